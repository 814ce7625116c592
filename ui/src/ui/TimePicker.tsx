import { Popover, TextInput } from "@mantine/core";
import {
  IconChevronDown,
  IconChevronLeft,
  IconChevronRight,
  IconClock,
  IconZoomOut,
} from "@tabler/icons-react";
import { lazy, Suspense, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { longTime, stamp } from "../lib/format";
import { usePrefs } from "../lib/prefs";
import { isRelative, parseTime, QUICK, type Range, resolve, shift, zoomOut } from "../lib/time";
import { useDuration } from "./text";

// The calendar is loaded when the picker is first opened.
const Calendar = lazy(() => import("./Calendar"));

interface Props {
  range: Range;
  onChange(r: Range): void;
}

export function useRangeLabel() {
  const { t } = useTranslation();
  return (r: Range, now: number): string => {
    const quick = QUICK.find((q) => q.from === r.from && q.to === r.to);
    if (quick) return t(`range.quick.${quick.key}`);
    const end = (text: string, edge: "start" | "end") => {
      const ms = isRelative(text) ? null : parseTime(text, now, edge);
      return ms === null ? text : stamp(ms);
    };
    return t("range.between", { from: end(r.from, "start"), to: end(r.to, "end") });
  };
}

export function TimePicker({ range, onChange }: Props) {
  const { t } = useTranslation();
  const label = useRangeLabel();
  const [open, setOpen] = useState(false);
  const now = Date.now();
  const span = resolve(range, now);
  const move = (share: number) => span && onChange(shift(span, share, now));
  const commit = (r: Range) => {
    setOpen(false);
    onChange(r);
  };
  return (
    <div className="group timegroup">
      <button
        type="button"
        className="btn narrow desk-only"
        aria-label={t("range.earlier")}
        title={t("range.earlier")}
        onClick={() => move(-0.5)}
      >
        <IconChevronLeft size={16} aria-hidden="true" />
      </button>
      <Popover
        opened={open}
        onChange={setOpen}
        position="bottom-end"
        trapFocus
        returnFocus
        shadow="md"
        withinPortal
      >
        <Popover.Target>
          <button
            type="button"
            className="btn"
            aria-label={t("range.open", { range: label(range, now) })}
            onClick={() => setOpen((o) => !o)}
          >
            <IconClock size={16} aria-hidden="true" />
            <span className="btn-text">{label(range, now)}</span>
            <IconChevronDown size={14} aria-hidden="true" className="wide-only" />
          </button>
        </Popover.Target>
        <Popover.Dropdown className="timepicker" aria-label={t("range.title")}>
          {open && <RangePanel range={range} onCommit={commit} />}
        </Popover.Dropdown>
      </Popover>
      <button
        type="button"
        className="btn narrow desk-only"
        aria-label={t("range.later")}
        title={t("range.later")}
        disabled={!span || span.to >= now - 1000}
        onClick={() => move(0.5)}
      >
        <IconChevronRight size={16} aria-hidden="true" />
      </button>
      <button
        type="button"
        className="btn narrow wide-only"
        aria-label={t("range.zoomOut")}
        title={t("range.zoomOut")}
        onClick={() => span && onChange(zoomOut(span, now))}
      >
        <IconZoomOut size={16} aria-hidden="true" />
      </button>
    </div>
  );
}

/** Quick ranges at the left; fields, calendar and Apply at the right. */
function RangePanel({ range, onCommit }: { range: Range; onCommit(r: Range): void }) {
  const { t } = useTranslation();
  const { lang } = usePrefs();
  const age = useDuration();
  const text = (s: string, edge: "start" | "end") =>
    isRelative(s) ? s : stamp(parseTime(s, 0, edge) ?? 0, true);
  const [from, setFrom] = useState(text(range.from, "start"));
  const [to, setTo] = useState(text(range.to, "end"));
  const now = Date.now();
  const first = useRef<HTMLButtonElement>(null);
  const f = parseTime(from, now, "start");
  const e = parseTime(to, now, "end");
  const span = f !== null && e !== null && f < e ? { from: f, to: e } : null;
  const say = (s: string, ms: number) => (s.trim() === "now" ? t("range.now") : longTime(ms, lang));
  const apply = () => {
    if (!span) return;
    const one = (s: string, ms: number) => (isRelative(s.trim()) ? s.trim() : String(ms));
    onCommit({ from: one(from, span.from), to: one(to, span.to) });
  };
  const paste = (s: string): boolean => {
    const two = s.split(/\s*(?:→|to|\t|\n|,|至|~)\s*/i).filter(Boolean);
    if (two.length !== 2 || parseTime(two[0]!, now) === null || parseTime(two[1]!, now) === null)
      return false;
    setFrom(two[0]!);
    setTo(two[1]!);
    return true;
  };
  return (
    <div className="timepicker-in">
      <ul className="quick">
        {QUICK.map((q) => {
          const on = q.from === range.from && q.to === range.to;
          return (
            <li key={q.key}>
              <button
                ref={on ? first : undefined}
                type="button"
                aria-pressed={on}
                data-autofocus={on || undefined}
                onClick={() => onCommit({ from: q.from, to: q.to })}
              >
                {t(`range.quick.${q.key}`)}
              </button>
            </li>
          );
        })}
      </ul>
      <form
        className="range-form"
        onSubmit={(ev) => {
          ev.preventDefault();
          apply();
        }}
      >
        <TextInput
          label={t("range.from")}
          value={from}
          onChange={(ev) => setFrom(ev.currentTarget.value)}
          onPaste={(ev) => paste(ev.clipboardData.getData("text")) && ev.preventDefault()}
          error={f === null ? t("range.invalid") : undefined}
          spellCheck={false}
          autoComplete="off"
        />
        <TextInput
          label={t("range.to")}
          value={to}
          onChange={(ev) => setTo(ev.currentTarget.value)}
          onPaste={(ev) => paste(ev.clipboardData.getData("text")) && ev.preventDefault()}
          error={e === null ? t("range.invalid") : f !== null && f >= e ? t("range.order") : undefined}
          spellCheck={false}
          autoComplete="off"
        />
        <p className="hint" aria-live="polite">
          {span
            ? t("range.understood", {
                from: say(from, span.from),
                to: say(to, span.to),
                length: age(span.to - span.from),
              })
            : t("range.hint")}
        </p>
        <Suspense fallback={<div className="calendar-space" />}>
          <Calendar
            from={f}
            to={e}
            onPick={(a, b) => {
              setFrom(stamp(a));
              setTo(stamp(b));
            }}
          />
        </Suspense>
        <p className="hint">{t("range.zone", { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })}</p>
        <button type="submit" className="btn primary" disabled={!span}>
          {t("range.apply")}
        </button>
      </form>
    </div>
  );
}
