package inference

// seldon reads the object data of Seldon Core's own protocol: names beside
// ndarray or tensor. Names of a response are those of classes.
func (d *decoder) seldon(at int) bool {
	ndarray, tensor := 0, 0
	var names []string
	d.object(at, func(name string, at int) int {
		switch c := d.peek(at); {
		case name == "ndarray" && c == '[':
			ndarray = at
		case name == "tensor" && c == '{':
			tensor = at
		case name == "names" && c == '[':
			names = d.names(at)
		}
		return d.skip(at)
	})
	if ndarray == 0 && tensor == 0 || d.err != nil {
		return false
	}
	if ndarray != 0 {
		d.list("x", ndarray)
	} else {
		d.seldonTensor(tensor)
	}
	if i, ok := d.byName["x"]; ok && d.body.Tensors[i].Width == len(names) {
		d.body.Tensors[i].Columns = names
	}
	return true
}

func (d *decoder) seldonTensor(at int) {
	h := header{name: "x", datatype: "FP64", size: -1}
	d.object(at, func(name string, at int) int {
		switch {
		case name == "shape" && d.peek(at) == '[':
			h.shape = d.shape(at)
		case name == "values" && d.peek(at) == '[':
			h.data = at
		}
		return d.skip(at)
	})
	d.read2(&h)
}

// chat reads a request or response of OpenAI's API: one row, of which the
// settings, how much was said, and how it ended are features. What was said is
// not kept.
func (d *decoder) chat(p parts) {
	d.body.Rows = 1
	for name, at := range p {
		switch {
		case name == "messages" && d.peek(at) == '[':
			n := 0
			d.array(at, func(i, at int) int { n = i + 1; return d.skip(at) })
			d.fact("messages", Cell{Kind: Number, Num: float64(n)})
		case name == "choices" && d.peek(at) == '[':
			d.array(at, func(i, at int) int {
				if d.peek(at) == '{' {
					d.choice(at)
				}
				return d.skip(at)
			})
		case name == "model" && d.peek(at) == '"' && p.has("choices"):
			d.body.Version, _ = d.text(at)
		}
	}
	if p.has("choices") {
		return
	}
	d.object(0, func(name string, at int) int {
		switch name {
		case "temperature", "top_p", "max_tokens", "max_completion_tokens", "stream", "n":
			if c := d.peek(at); c != '[' && c != '{' {
				v, end := d.cell(at)
				d.fact(name, v)
				return end
			}
		}
		return d.skip(at)
	})
}

func (d *decoder) choice(at int) {
	d.object(at, func(name string, at int) int {
		if name == "finish_reason" && d.peek(at) == '"' {
			v, end := d.cell(at)
			for _, f := range d.body.Facts {
				if f.Name == name {
					return end
				}
			}
			d.fact(name, v)
			return end
		}
		return d.skip(at)
	})
}
