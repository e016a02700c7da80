module directory-sync.io/dev/schemas

go 1.21
