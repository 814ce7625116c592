package probe

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// modelRequest makes the request of a model kind, and gives the path of the
// answer in what comes back.
func (s *Spec) modelRequest(c *httpCheck) (path string) {
	switch s.Kind {
	case JSON:
		if c.method == "" {
			c.method = http.MethodPost
		}
	case KServe:
		c.url = join(s.Target, "v2/models/"+url.PathEscape(s.ServedModel))
		if s.Version != "" {
			c.url = join(c.url, "versions/"+url.PathEscape(s.Version))
		}
		if s.Body == "" {
			c.method, c.url = http.MethodGet, join(c.url, "ready")
			break
		}
		c.method, c.url = http.MethodPost, join(c.url, "infer")
		return "$.outputs[0].data"
	case OpenAI:
		c.method = http.MethodPost
		return s.openAI(c)
	}
	return "$"
}

// openAI asks with temperature 0 for a short answer, unless the body says all.
func (s *Spec) openAI(c *httpCheck) (path string) {
	base := s.Target
	if u, err := url.Parse(base); err == nil && strings.Trim(u.Path, "/") == "" {
		base = join(base, "v1")
	}
	request := map[string]any{"model": s.ServedModel}
	switch s.API {
	case "embeddings":
		c.url, path = join(base, "embeddings"), "$.data[0].embedding"
		request["input"] = s.Prompt
	case "completions":
		c.url, path = join(base, "completions"), "$.choices[0].text"
		request["prompt"], request["temperature"], request["max_tokens"] = s.Prompt, 0, answerTokens
	default:
		c.url, path = join(base, "chat/completions"), "$.choices[0].message.content"
		request["messages"] = []map[string]string{{"role": "user", "content": s.Prompt}}
		request["temperature"], request["max_tokens"] = 0, answerTokens
	}
	if s.Body == "" {
		text, _ := json.Marshal(request) // strings and numbers only
		c.body = string(text)
	}
	return path
}

// answerTokens is what an answer to a prompt may take.
const answerTokens = 64

// join appends a path that is escaped already, before a query.
func join(base, path string) string {
	base, query, asked := strings.Cut(base, "?")
	base = strings.TrimRight(base, "/") + "/" + path
	if asked {
		base += "?" + query
	}
	return base
}
