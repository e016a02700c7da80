# The records of a table (RFC 4180) with a header: what is not there is an empty cell, and members are JSON.

# The table's lines. One with an open quote goes on in the next.
def rows:
  foreach split("\n")[] as $line (null;
    (if .open then .row + "\n" + $line else $line end) as $row
    | {row: $row, open: (($row | split("\"") | length) % 2 == 0)};
    if .open then empty else .row end)
  | select(. != "");

def cells:
  [. + "," | scan("(\"(?:[^\"]|\"\")*\"|[^,\"]*),")[0]
    | if startswith("\"") then .[1:-1] | gsub("\"\""; "\"") else . end];

[rows | cells] | .[0] as $header | .[1:][]
| [$header, .] | transpose | map(select(.[1] != "") | {key: .[0], value: .[1]}) | from_entries
| if .members then .members |= fromjson else . end
