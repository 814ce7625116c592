package inference

import (
	"encoding/binary"
	"encoding/json"
	"errors"
)

// A record of the log is the halves of one request, one after the other: the
// length of the head, the head as JSON, the length of the payload, the
// payload; lengths as unsigned varints. The first byte is the version.
const recordVersion = 1

var errRecord = errors.New("inference: a record cannot be read")

func appendRecord(dst []byte, halves []*Half) []byte {
	dst = append(dst, recordVersion)
	for _, h := range halves {
		head, err := json.Marshal(h)
		if err != nil { // not with these types
			continue
		}
		dst = append(binary.AppendUvarint(dst, uint64(len(head))), head...)
		dst = append(binary.AppendUvarint(dst, uint64(len(h.payload))), h.payload...)
	}
	return dst
}

// parseRecord reads a record. The payloads are copies: a half may wait longer
// than the log keeps the record in memory.
func parseRecord(data []byte, arrived int64) ([]*Half, error) {
	if len(data) == 0 || data[0] != recordVersion {
		return nil, errRecord
	}
	var halves []*Half
	for data = data[1:]; len(data) > 0; {
		var head, payload []byte
		var ok bool
		if head, data, ok = cut(data); !ok {
			return nil, errRecord
		}
		if payload, data, ok = cut(data); !ok {
			return nil, errRecord
		}
		h := &Half{arrived: arrived, payload: append([]byte(nil), payload...)}
		if json.Unmarshal(head, h) != nil {
			return nil, errRecord
		}
		halves = append(halves, h)
	}
	return halves, nil
}

// cut takes a piece with its length before it.
func cut(data []byte) (piece, rest []byte, ok bool) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > uint64(len(data)-size) {
		return nil, nil, false
	}
	return data[size : size+int(n)], data[size+int(n):], true
}
