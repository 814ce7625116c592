package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/report"
)

// errFound ends with exit code 1: a condition of --fail-on holds. What it was
// has been said.
var errFound = errors.New("a condition holds")

// several is a flag that may be given more than once, or with commas.
type several []string

func (s *several) String() string { return strings.Join(*s, ",") }

func (s *several) Set(v string) error {
	for _, one := range strings.Split(v, ",") {
		if one = strings.TrimSpace(one); one != "" {
			*s = append(*s, one)
		}
	}
	return nil
}

type reportFlags struct {
	mapping, task, zone, html, json, lang string
	limit                                 float64
	failOn                                []string
	ignore, also                          several
}

// makeReport compares two files. Its exit codes are those of a check in a
// script: 0, 1 when a condition holds, 2 when it could not be made.
func makeReport(ctx context.Context, std stdio, args []string) error {
	err := compareFiles(ctx, std, args)
	if err == nil || errors.Is(err, errFound) || errors.Is(err, errUsage) {
		return err
	}
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	fmt.Fprintln(std.err, "leeway report:", err)
	return errUsage
}

func compareFiles(ctx context.Context, std stdio, args []string) error {
	o := report.Options{Progress: std.err}
	var f reportFlags
	fs := flags(std, "report", "--reference FILE --current FILE [--labels FILE] [--map id=…,time=…,prediction=…,score=…,label=…] [--html FILE] [--json FILE] [--fail-on CONDITION]…")
	fs.StringVar(&o.Reference, "reference", "", "`file` of what is normal: CSV, NDJSON, JSON (also .gz, .zst) or Parquet")
	fs.StringVar(&o.Current, "current", "", "`file` to be judged")
	fs.StringVar(&o.Labels, "labels", "", "`file` with the labels of the current one, joined by id")
	fs.StringVar(&f.mapping, "map", "", "column of each role, such as id=row_id,time=ts,prediction=y_pred,score=proba,label=y; every other column is a feature")
	fs.Var(&f.ignore, "ignore", "`columns` to leave out, with commas between them")
	fs.StringVar(&f.task, "task", "", "binary, multiclass or regression (default: from the predictions)")
	fs.StringVar(&o.Positive, "positive", "", "the positive `class` of a binary model (default: from the predictions)")
	fs.StringVar(&o.Drift.Method, "method", "", "drift `method`, such as psi, ks, wasserstein, js@nannyml; docs/drift.md has them all (default psi)")
	fs.StringVar(&o.Drift.Preset, "preset", "", strings.Join(measure.Presets(), ", ")+": who says what drift is (default leeway)")
	fs.Var(&f.also, "also", "further `methods` whose numbers are told, with commas between them, or all")
	fs.Float64Var(&f.limit, "limit", 0, "effect from which a significant difference is drift (default 0.1)")
	fs.StringVar(&o.Period, "period", "", strings.Join(report.Periods(), ", ")+" (default: by the time that is spanned)")
	fs.StringVar(&f.zone, "zone", "UTC", "time `zone` of times that name none")
	fs.StringVar(&f.html, "html", "", "write the report as one HTML `file`; - is the standard output")
	fs.StringVar(&f.json, "json", "", "write it as JSON; - is the standard output")
	fs.Func("fail-on", "exit with 1 if this `condition` holds, such as drifted_features>0, accuracy<0.9 or feature:age.psi>0.2; may be given more than once", func(v string) error {
		f.failOn = append(f.failOn, v)
		return nil
	})
	fs.StringVar(&o.Title, "title", "", "`words` at the top")
	fs.StringVar(&f.lang, "lang", "en", "en or zh: the language of the HTML")
	if err := parse(fs, std, args, 0); err != nil {
		return err
	}
	if err := f.fill(&o); err != nil {
		return err
	}
	// Columns come and go by tens of megabytes without a pointer in them:
	// collecting them soon costs little and holds the memory down.
	debug.SetGCPercent(40)
	r, err := report.Make(ctx, o)
	if err != nil {
		return err
	}
	r.Generator = "leeway " + version
	if err := f.write(std, r); err != nil {
		return err
	}
	return conclude(std, r)
}

// fill turns the flags that are text into options.
func (f *reportFlags) fill(o *report.Options) error {
	var err, more error
	if o.Map, err = decode.ParseMap(f.mapping); err != nil {
		err = fmt.Errorf("--map: %w", err)
	}
	if f.task != "" {
		if o.Task, more = event.ParseTask(f.task); more != nil {
			err = errors.Join(err, fmt.Errorf("--task: %w", more))
		}
	}
	if o.Zone, more = time.LoadLocation(f.zone); more != nil {
		err = errors.Join(err, fmt.Errorf("--zone: %w", more))
	}
	if f.lang != "en" && f.lang != "zh" {
		err = errors.Join(err, fmt.Errorf("--lang %q is neither en nor zh", f.lang))
	}
	for _, text := range f.failOn {
		c, bad := report.ParseCondition(text)
		if bad != nil {
			err = errors.Join(err, bad)
		}
		o.Conditions = append(o.Conditions, c)
	}
	o.Ignore, o.Also = f.ignore, f.also
	if len(f.also) == 1 && f.also[0] == "all" {
		o.Also = measure.Methods()
	}
	if f.limit != 0 {
		method := o.Drift.Method
		if method == "" {
			method = measure.MethodPSI
		}
		o.Drift.Limits = map[string]float64{method: f.limit}
	}
	return err
}

// write puts the report where it was asked for.
func (f *reportFlags) write(std stdio, r *report.Report) error {
	page := func(w io.Writer) error { return r.WriteHTML(w, f.lang) }
	for _, to := range []struct {
		name  string
		write func(io.Writer) error
	}{{f.html, page}, {f.json, r.WriteJSON}} {
		if err := writeTo(to.name, std.out, to.write); err != nil {
			return err
		}
	}
	return nil
}

// writeTo writes a file as a whole or not at all.
func writeTo(name string, out io.Writer, write func(io.Writer) error) error {
	switch name {
	case "":
		return nil
	case "-":
		return write(out)
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	err = write(tmp)
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(tmp.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	return err
}

// conclude says the outcome in a few lines, on the side of the progress bar.
func conclude(std stdio, r *report.Report) error {
	s := r.Summary
	fmt.Fprintf(std.err, "%d of %d features drifted (%s), %d shifted\n", s.Drifted, s.Judged, r.Judged.Method, s.Shifted)
	for i, c := range r.Features {
		if i == 10 || !c.Drifted {
			break
		}
		fmt.Fprintf(std.err, "  %s: %s %s\n", c.Name, c.Method, short(c.Value))
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(std.err, "  warning: %s\n", w)
	}
	failed := r.Failed()
	for i := range failed {
		fmt.Fprintf(std.err, "FAILED %s\n", failed[i].String())
	}
	if len(failed) > 0 {
		return errFound
	}
	return nil
}

func short(v *float64) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'g', 4, 64)
}
