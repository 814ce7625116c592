// Programs that send the first prediction. Code, so the same in every language of the page.

const ROW = `{"id": "p-1", "version": "v1", "features": {"amount": 42.5, "country": "DE"}, "prediction": 1, "score": 0.83, "latency_ms": 12}`;

export const SNIPPETS: { key: string; name: string; text(endpoint: string): string }[] = [
  {
    key: "curl",
    name: "curl",
    text: (u) => `curl -X POST '${u}' \\
  -H 'Content-Type: application/json' \\
  -d '${ROW}'`,
  },
  {
    key: "python",
    name: "Python",
    text: (u) => `import json, urllib.request

row = ${ROW}
req = urllib.request.Request(
    "${u}",
    data=json.dumps(row).encode(),
    headers={"Content-Type": "application/json"},
)
print(urllib.request.urlopen(req).read().decode())`,
  },
  {
    key: "go",
    name: "Go",
    text: (u) => `package main

import (
	"fmt"
	"net/http"
	"strings"
)

func main() {
	row := \`${ROW}\`
	res, err := http.Post(
		"${u}",
		"application/json", strings.NewReader(row))
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	fmt.Println(res.Status)
}`,
  },
];
