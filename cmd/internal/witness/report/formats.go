package report

// Reports for programs: JSON of our own, SARIF for code review, JUnit for build servers.

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
)

// JSON prints the reports as one object.
func JSON(w io.Writer, list []Report) error {
	for i := range list {
		r := &list[i]
		if r.Locks == nil {
			r.Locks = []Lock{}
		}
		if r.Cycle == nil {
			r.Cycle = []Step{}
		}
		if r.Stacks == nil {
			r.Stacks = []Stack{}
		}
	}
	if list == nil {
		list = []Report{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(struct {
		Reports []Report `json:"reports"`
	}{list})
}

// place is the line that a report is shown at: where the circle was completed, or the top of the first stack.
func (r *Report) place(own func(Frame) bool) (Frame, bool) {
	var lists [][]Frame
	for _, c := range r.Cycle {
		if c.Now {
			lists = append(lists, c.Stack)
		}
	}
	for _, s := range r.Stacks {
		lists = append(lists, s.Frames)
	}
	for _, c := range r.Cycle {
		lists = append(lists, c.Stack)
	}
	for _, l := range lists {
		for _, f := range l {
			if own(f) {
				return f, true
			}
		}
	}
	return Frame{}, false
}

func (s Style) below(f Frame) bool { return s.Root == "" || !filepath.IsAbs(s.Path(f.File)) }

// artifact is a file as SARIF has it: relative to the module, or whole.
func (s Style) artifact(file string) map[string]any {
	path := filepath.ToSlash(s.Path(file))
	if !filepath.IsAbs(path) {
		return map[string]any{"uri": (&url.URL{Path: path}).String(), "uriBaseId": "SRCROOT"}
	}
	if path[0] != '/' {
		path = "/" + path // a drive
	}
	return map[string]any{"uri": (&url.URL{Scheme: "file", Path: path}).String()}
}

// SARIF prints the reports in the format of static analysis results, version 2.1.0.
func SARIF(w io.Writer, list []Report, style Style) error {
	type m = map[string]any
	location := func(f Frame, text string) m {
		l := m{"physicalLocation": m{
			"artifactLocation": style.artifact(f.File),
			"region":           m{"startLine": max(f.Line, 1)},
		}}
		if text != "" {
			l["message"] = m{"text": text}
		}
		return l
	}
	levels := map[Severity]string{Certain: "error", Likely: "warning", Possible: "note"}
	results, rules, known := []m{}, []m{}, map[string]bool{}
	for _, r := range list {
		if !known[r.Kind] {
			known[r.Kind] = true
			rules = append(rules, m{"id": r.Kind, "shortDescription": m{"text": titles[r.Kind]}})
		}
		one := m{
			"ruleId": r.Kind, "level": levels[r.Severity], "message": m{"text": strings.TrimSpace(r.Title() + ". " + r.Text)},
			"partialFingerprints": m{"witness/v1": r.Key},
		}
		if f, ok := r.place(style.below); ok {
			one["locations"] = []m{location(f, "")}
		}
		var related []m
		for _, c := range r.Cycle {
			if c.Holds.Site != nil {
				related = append(related, location(*c.Holds.Site, c.Goroutine+" took "+Short(c.Holds.Name)))
			}
			if len(c.Stack) > 0 {
				related = append(related, location(c.Stack[0], c.Goroutine+" then took "+Short(c.Wants.Name)))
			}
		}
		if related != nil {
			one["relatedLocations"] = related
		}
		results = append(results, one)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(m{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []m{{
			"tool":    m{"driver": m{"name": "witness", "informationUri": "https://github.com/serializing-tokens/lwkt", "rules": rules}},
			"results": results,
		}},
	})
}

// JUnit prints the reports as test cases that failed.
func JUnit(w io.Writer, list []Report, style Style) error {
	type failure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",cdata"`
	}
	type testcase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		Failure *failure `xml:"failure,omitempty"`
	}
	suite := struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Cases    []testcase `xml:"testcase"`
	}{Name: "witness", Tests: max(len(list), 1), Failures: len(list)}
	style.Color = false
	for _, r := range list {
		var b strings.Builder
		if err := Text(&b, []Report{r}, style); err != nil {
			return err
		}
		suite.Cases = append(suite.Cases, testcase{r.Title(), "witness." + r.Kind, &failure{r.Text, r.Severity.String(), b.String()}})
	}
	if len(list) == 0 {
		suite.Cases = []testcase{{Name: "no reports", Class: "witness"}}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(suite); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
