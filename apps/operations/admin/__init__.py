"""The site of the operator's pages, its start page and its navigation; the pages themselves are their apps'."""
