// Only http(s) addresses become links; everything else stays text.
const ADDRESS = /(https?:\/\/[^\s<>"']+)/;

export function Linked({ text }: { text: string }) {
  return text.split(ADDRESS).map((part, i) =>
    i % 2 === 1 ? (
      <a
        key={i}
        href={part}
        rel="noopener noreferrer"
        target={part.startsWith(location.origin) ? undefined : "_blank"}
      >
        {part}
      </a>
    ) : (
      part
    ),
  );
}
