import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { block } from "../../api/client";
import { SNIPPETS } from "./snippets";

/** No model is known yet: where to send, what to send, and a wait that ends by itself. */
export function FirstRun() {
  const { t } = useTranslation();
  const endpoint = `${location.origin}${block.basePath}/api/v1/models/my-model/predictions`;
  const [kind, setKind] = useState(SNIPPETS[0]!.key);
  const snippet = SNIPPETS.find((s) => s.key === kind)!.text(endpoint);
  return (
    <div className="content firstrun">
      <div className="firstrun-head">
        <h1>{t("first.title")}</h1>
        <p>{t("first.about")}</p>
      </div>
      <ol className="steps">
        <li className="panel">
          <h2>{t("first.step1")}</h2>
          <p>{t("first.endpoint")}</p>
          <Copyable text={endpoint} name={t("first.endpointName")} />
          <p className="hint">{t("first.token")}</p>
        </li>
        <li className="panel">
          <h2>{t("first.step2")}</h2>
          <div className="group" role="group" aria-label={t("first.language")}>
            {SNIPPETS.map((s) => (
              <button
                key={s.key}
                type="button"
                className="btn small"
                aria-pressed={s.key === kind}
                onClick={() => setKind(s.key)}
              >
                {s.name}
              </button>
            ))}
          </div>
          <Copyable text={snippet} name={t("first.snippetName")} />
          <p className="hint">{t("first.labels")}</p>
        </li>
        <li className="panel">
          <h2>{t("first.step3")}</h2>
          <p className="waiting" role="status">
            <span className="pulse" aria-hidden="true" />
            {t("first.waiting")}
          </p>
        </li>
      </ol>
    </div>
  );
}

function Copyable({ text, name }: { text: string; name: string }) {
  const { t } = useTranslation();
  const [done, setDone] = useState(false);
  const box = useRef<HTMLPreElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 2000);
    } catch {
      // Plain http on another host has no clipboard: the text is selected, a key copies it.
      if (box.current) getSelection()?.selectAllChildren(box.current);
    }
  };
  return (
    <div className="copyable">
      <pre ref={box} tabIndex={0} role="region" aria-label={name}>
        {text}
      </pre>
      <button
        type="button"
        className="btn small"
        onClick={() => void copy()}
        aria-label={t("copy.label", { name })}
      >
        {done ? <IconCheck size={14} aria-hidden="true" /> : <IconCopy size={14} aria-hidden="true" />}{" "}
        {done ? t("copy.done") : t("copy.copy")}
      </button>
    </div>
  );
}
