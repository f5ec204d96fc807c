# Flattens a JSON document (RFC 8259): one line per string, number or boolean, its path (RFC 6901),
# a tab, and its value with backslash, newline and tab escaped as \\ \n \t. Nulls are left out.
# Ends with status 1 when the document is malformed.
#
#   {"keys": {"a/b": "x"}, "n": [1]}   ->   /keys/a~1b <tab> x
#                                           /n/0 <tab> 1

function fail(why) {
    if (!failed) print "json: " why " at character " at > "/dev/stderr"
    failed = 1
    rest = ""
}

# Take what `pattern` matches at the start of the rest; "" when it does not.
function take(pattern,    token) {
    if (!match(rest, pattern)) return ""
    token = substr(rest, 1, RLENGTH)
    rest = substr(rest, RLENGTH + 1)
    at += RLENGTH
    return token
}

function skip_space() { take("^[ \t\r\n]+") }

function hex(digits,    i, n) {
    n = 0
    for (i = 1; i <= length(digits); i++)
        n = n * 16 + index("0123456789abcdef", tolower(substr(digits, i, 1))) - 1
    return n
}

# The UTF-8 bytes of a code point. Character 0 cannot stand in a string here and is dropped.
function utf8(c) {
    if (c == 0) return ""
    if (c < 128) return sprintf("%c", c)
    if (c < 2048) return sprintf("%c%c", 192 + int(c / 64), 128 + c % 64)
    if (c < 65536) return sprintf("%c%c%c", 224 + int(c / 4096), 128 + int(c / 64) % 64, 128 + c % 64)
    return sprintf("%c%c%c%c", 240 + int(c / 262144), 128 + int(c / 4096) % 64, 128 + int(c / 64) % 64, 128 + c % 64)
}

# The text of a string token without its quotes, escapes resolved.
function unescape(text,    out, spot, c, high) {
    out = ""
    while (spot = index(text, "\\")) {
        out = out substr(text, 1, spot - 1)
        c = substr(text, spot + 1, 1)
        text = substr(text, spot + 2)
        if (c == "u") {
            c = hex(substr(text, 1, 4))
            text = substr(text, 5)
            if (c >= 55296 && c < 56320 && text ~ /^\\u[dD][c-fC-F]/) {
                high = c
                c = 65536 + (high - 55296) * 1024 + hex(substr(text, 3, 4)) - 56320
                text = substr(text, 7)
            }
            out = out utf8(c)
        } else if (c in plain) out = out plain[c]
        else fail("unknown escape")
    }
    return out text
}

function string(    token) {
    token = take("^\"([^\"\\\\]|\\\\[^u]|\\\\u[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F])*\"")
    if (token == "") fail("string expected")
    return unescape(substr(token, 2, length(token) - 2))
}

function escape(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/\n/, "\\n", text)
    gsub(/\t/, "\\t", text)
    return text
}

function step(key) {
    gsub(/~/, "~0", key)
    gsub(/\//, "~1", key)
    return "/" escape(key)
}

function object(path,    key) {
    take("^\\{")
    skip_space()
    if (take("^\\}") != "") return
    do {
        skip_space()
        key = string()
        skip_space()
        if (take("^:") == "") fail("colon expected")
        value(path step(key))
        skip_space()
    } while (take("^,") != "")
    if (take("^\\}") == "") fail("end of object expected")
}

function array(path,    n) {
    take("^\\[")
    skip_space()
    if (take("^\\]") != "") return
    n = 0
    do {
        value(path "/" n++)
        skip_space()
    } while (take("^,") != "")
    if (take("^\\]") == "") fail("end of array expected")
}

function value(path,    first, token) {
    skip_space()
    first = substr(rest, 1, 1)
    if (first == "{") object(path)
    else if (first == "[") array(path)
    else if (first == "\"") {
        token = string()
        if (!failed) print path "\t" escape(token)
    } else {
        token = take("^(true|false|null|-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?)")
        if (token == "") fail("value expected")
        else if (token != "null") print path "\t" token
    }
}

BEGIN {
    plain["\""] = "\""; plain["\\"] = "\\"; plain["/"] = "/"
    plain["b"] = "\b"; plain["f"] = "\f"; plain["n"] = "\n"; plain["r"] = "\r"; plain["t"] = "\t"
}

{ rest = rest $0 "\n" }

END {
    value("")
    skip_space()
    if (rest != "") fail("end of document expected")
    exit failed
}
