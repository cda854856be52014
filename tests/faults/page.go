package main

import (
	_ "embed"
	"html/template"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

// page is the summary for a browser: one file, nothing fetched.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"figures": figures,
	"lines":   func(l []string) string { return strings.Join(l, "\n") },
	"seconds": func(d time.Duration) string { return d.Round(time.Second).String() },
	"date":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
}).Parse(pageText))
