package measure

import (
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

// titanicColumns are those of NannyML's tutorial on missing values; the
// strings among them are those of the one on unseen values.
var (
	titanicColumns = []string{"Pclass", "Name", "Sex", "Age", "SibSp", "Parch", "Ticket", "Fare", "Cabin", "Embarked"}
	titanicStrings = []string{"Sex", "Ticket", "Cabin", "Embarked"}
)

// profileOf folds rows from..to of a table: a column is one of numbers when
// all that is there reads as numbers and it is not named among the strings.
func profileOf(t testing.TB, tab table, columns []string, from, to int) *profile.Profile {
	t.Helper()
	b := &event.Batch{Rows: to - from}
	for _, name := range columns {
		cells := tab[name]
		if numeric(cells) && name != "Ticket" {
			num := event.Num{Name: name, Values: make([]float64, to-from)}
			for i, cell := range cells[from:to] {
				if cell == "" {
					num.SetNull(i)
					continue
				}
				num.Values[i] = number(t, cell)
			}
			b.Nums = append(b.Nums, num)
			continue
		}
		dict := event.Dict{Name: name}
		codes := map[string]int32{}
		for _, cell := range cells[from:to] {
			if _, ok := codes[cell]; !ok {
				codes[cell] = int32(len(dict.Values))
				dict.Values = append(dict.Values, cell)
			}
			dict.Codes = append(dict.Codes, codes[cell])
		}
		b.Cats = append(b.Cats, dict)
	}
	f := profile.NewFolder(0)
	w := f.Open(false)
	f.Add(w, b, nil)
	return f.Close(w)
}

func numeric(cells []string) bool {
	for _, c := range cells {
		if _, err := strconv.ParseFloat(c, 64); err != nil && c != "" {
			return false
		}
	}
	return true
}

// chunk is the data quality of some neighbouring rows, by column.
type chunk map[string]FeatureQuality

// chunksOf cuts a table as NannyML does by default: ten chunks of n/10 rows,
// and what is left.
func chunksOf(t testing.TB, tab table, ref *profile.Profile) (list []chunk) {
	t.Helper()
	n := len(tab["Pclass"])
	for from := 0; from < n; from += n / 10 {
		c := chunk{}
		for _, q := range DataQuality(profileOf(t, tab, titanicColumns, from, min(from+n/10, n)), ref) {
			c[q.Name] = q
		}
		list = append(list, c)
	}
	return list
}

// titanic is the chunks of the reference and of production.
func titanic(t testing.TB) (ref *profile.Profile, chunks []chunk, nref int) {
	t.Helper()
	reference, production := readTable(t, "titanic/reference.csv"), readTable(t, "titanic/production.csv")
	ref = profileOf(t, reference, titanicColumns, 0, len(reference["Pclass"]))
	chunks = chunksOf(t, reference, ref)
	nref = len(chunks)
	chunks = append(chunks, chunksOf(t, production, ref)...)
	if nref != 11 || len(chunks) != 22 {
		t.Fatalf("%d and %d chunks, want 11 of each", nref, len(chunks)-nref)
	}
	return ref, chunks, nref
}

// cells reads one of the tables that NannyML printed: its rows below the head,
// without the seven columns that describe the chunk.
func cells(t testing.TB, name string) (rows [][]string) {
	t.Helper()
	text, err := io.ReadAll(open(t, filepath.Join("golden", name)))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Split(strings.Trim(line, "|"), "|")
		if len(fields) < 9 || strings.TrimSpace(fields[0]) == "" {
			continue // a rule, or the head
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		rows = append(rows, fields[8:])
	}
	return rows
}

// missingOf is the seven numbers of a column in a chunk; an alert is 1.
func missingOf(c chunk, ref *profile.Profile, limits ChunkLimits, name string) []float64 {
	f, q := ref.Features[name], c[name]
	r := RateOfChunk(q.Missing, q.Rows, float64(f.Missing())/float64(f.Rows))
	return []float64{r.Rate, r.SamplingError, r.High, r.Low, limits.Upper, limits.Lower, asNumber(limits.Alerts(r.Rate))}
}

func asNumber(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func limitsOf(chunks []chunk, rate func(FeatureQuality) float64, name string) ChunkLimits {
	values := make([]float64, len(chunks))
	for i, c := range chunks {
		values[i] = rate(c[name])
	}
	return LimitsOfChunks(values, 0, 1)
}

func missingRate(q FeatureQuality) float64 { return q.MissingRate }
func unseenRate(q FeatureQuality) float64  { return float64(q.Unseen) / float64(q.Rows) }

// NannyML's tutorial prints 22 chunks x 10 columns x 7 numbers, with six
// digits.
func TestTitanicMissing(t *testing.T) {
	ref, chunks, nref := titanic(t)
	want, compared := cells(t, "titanic_missing_values.txt"), 0
	if len(want) != len(chunks) {
		t.Fatalf("%d rows in the table, want %d", len(want), len(chunks))
	}
	for j, name := range titanicColumns {
		limits := limitsOf(chunks[:nref], missingRate, name)
		for i, c := range chunks {
			for k, got := range missingOf(c, ref, limits, name) {
				near(t, name+" of chunk "+strconv.Itoa(i)+", number "+strconv.Itoa(k), got, cell(t, want[i][7*j+k]), 6e-6)
				compared++
			}
		}
	}
	if compared != 1540 {
		t.Errorf("%d cells were compared, want 1540", compared)
	}
}

// The other tutorial prints 22 chunks x 4 columns: a share and whether it
// alerts, with the limits, which are nothing and 0.
func TestTitanicUnseen(t *testing.T) {
	_, chunks, nref := titanic(t)
	want, compared := cells(t, "titanic_unseen_values.txt"), 0
	for j, name := range titanicStrings {
		limits := limitsOf(chunks[:nref], unseenRate, name)
		for i, c := range chunks {
			row := want[i][4*j:]
			where := name + " of chunk " + strconv.Itoa(i)
			near(t, where, unseenRate(c[name]), cell(t, row[0]), 1e-5)
			near(t, where+": upper limit", limits.Upper, cell(t, row[1]), 0)
			near(t, where+": alert", asNumber(limits.Alerts(unseenRate(c[name]))), cell(t, row[3]), 0)
			compared++
		}
	}
	if compared != 88 {
		t.Errorf("%d cells were compared, want 88", compared)
	}
}

func cell(t testing.TB, s string) float64 {
	t.Helper()
	switch s {
	case "True":
		return 1
	case "False":
		return 0
	}
	return number(t, s)
}

// The same against all digits, as test/parity/data_quality.py printed them.
func TestTitanicOfNannyML(t *testing.T) {
	var want struct {
		Missing map[string][][]float64
		Unseen  map[string][]float64
	}
	parity(t, "data_quality.json", &want)
	ref, chunks, nref := titanic(t)
	for name, rows := range want.Missing {
		limits := limitsOf(chunks[:nref], missingRate, name)
		for i, row := range rows {
			for k, got := range missingOf(chunks[i], ref, limits, name) {
				if math.Abs(got-row[k]) > 1e-12 {
					t.Errorf("%s of chunk %d, number %d: %v, want %v", name, i, k, got, row[k])
				}
			}
		}
	}
	for name, rows := range want.Unseen {
		for i, row := range rows {
			near(t, name+" of chunk "+strconv.Itoa(i), unseenRate(chunks[i][name]), row, 1e-12)
		}
	}
	if len(want.Missing) != 10 || len(want.Unseen) != 4 {
		t.Errorf("%d and %d columns were compared", len(want.Missing), len(want.Unseen))
	}
}

// parity reads what a script of test/parity printed.
func parity(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../test/parity/expected", name))
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestLimitsOfChunks(t *testing.T) {
	nan := math.NaN()
	if got := LimitsOfChunks([]float64{0.4, 0.6, nan}, 0, 1); math.Abs(got.Lower-0.2) > 1e-15 || math.Abs(got.Upper-0.8) > 1e-15 {
		t.Errorf("%+v, want 0.5 and three times 0.1 to either side", got)
	}
	if got := LimitsOfChunks([]float64{0.1, 0.9}, 0, 1); got != (ChunkLimits{0, 1}) {
		t.Errorf("%+v is not within what a share can be", got)
	}
	none := LimitsOfChunks([]float64{nan}, 0, 1)
	if none.Alerts(0) || none.Alerts(1) || none.Alerts(nan) {
		t.Errorf("%+v alerts without a reference", none)
	}
	if r := RateOfChunk(0, 0, 0.5); r.Rate == r.Rate || r.Low != 0 || r.High != 1 {
		t.Errorf("no rows: %+v", r)
	}
}
