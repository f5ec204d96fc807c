# Reads the few parts of a "#cloud-config" that this image knows and prints one line each, a word, a
# tab and the value: "hostname", "password", "key" (ssh_authorized_keys), "run" (runcmd, items that
# are plain commands), and "unknown" for each other top-level word. Not a YAML parser.

function bare(text) {
    sub(/^[ \t]+/, "", text)
    sub(/[ \t\r]+$/, "", text)
    if (text ~ /^".*"$/ || text ~ /^'.*'$/) text = substr(text, 2, length(text) - 2)
    else sub(/[ \t]+#.*$/, "", text)
    return text
}

/^[ \t]*#/ || /^[ \t\r]*$/ || /^---/ { next }

/^[^ \t-]/ {
    colon = index($0, ":")
    section = substr($0, 1, colon - 1)
    text = bare(substr($0, colon + 1))
    if (section == "hostname" || section == "password") print section "\t" text
    else if (section == "ssh_authorized_keys" || section == "runcmd") {
        if (text != "") print "unknown\t" section " (written on one line)"
    } else print "unknown\t" section
    next
}

/^[ \t]*- / {
    if (section != "ssh_authorized_keys" && section != "runcmd") next
    text = $0
    sub(/^[ \t]*- /, "", text)
    text = bare(text)
    if (section == "ssh_authorized_keys") print "key\t" text
    else if (text ~ /^[[|>]/) print "unknown\truncmd item " text
    else print "run\t" text
}
