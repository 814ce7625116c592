import { Menu } from "@mantine/core";
import { IconArrowsDiff, IconCheck, IconChevronDown, IconRefresh } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { COMPARES, type Compare } from "../lib/search";
import { REFRESH } from "../lib/time";

const tick = (on: boolean) =>
  on ? <IconCheck size={14} aria-hidden="true" /> : <span className="tick-space" />;

export function ComparePicker({ value, onChange }: { value: Compare; onChange(c: Compare): void }) {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end" shadow="md">
      <Menu.Target>
        <button type="button" className="btn desk-only">
          <IconArrowsDiff size={16} aria-hidden="true" />
          <span className="dim wide-only">{t("compare.title")}</span>
          <span>{t(`compare.${value}`)}</span>
          <IconChevronDown size={14} aria-hidden="true" />
        </button>
      </Menu.Target>
      <Menu.Dropdown aria-label={t("compare.title")}>
        {COMPARES.map((c) => (
          <Menu.Item key={c} leftSection={tick(c === value)} onClick={() => onChange(c)}>
            {t(`compare.${c}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

interface RefreshProps {
  value: string;
  /** A fixed range does not refresh by itself. */
  fixed: boolean;
  busy: boolean;
  live: boolean;
  onChange(v: string): void;
  onRefresh(): void;
}

export function RefreshControl({ value, fixed, busy, live, onChange, onRefresh }: RefreshProps) {
  const { t } = useTranslation();
  return (
    <div className="group">
      <button
        type="button"
        className="btn narrow"
        aria-label={t("refresh.now")}
        title={t("refresh.now")}
        onClick={onRefresh}
      >
        <IconRefresh size={16} aria-hidden="true" className={busy ? "spin" : ""} />
        {!live && <span className="offline" />}
      </button>
      <Menu position="bottom-end" shadow="md">
        <Menu.Target>
          <button
            type="button"
            className="btn desk-only"
            aria-label={t("refresh.every", { every: fixed ? t("refresh.paused") : t(`refresh.${value}`) })}
          >
            <span>{fixed ? t("refresh.paused") : t(`refresh.${value}`)}</span>
            <IconChevronDown size={14} aria-hidden="true" />
          </button>
        </Menu.Target>
        <Menu.Dropdown aria-label={t("refresh.title")}>
          <Menu.Label>
            {fixed ? t("refresh.pausedWhy") : live ? t("refresh.live") : t("refresh.lost")}
          </Menu.Label>
          {Object.keys(REFRESH).map((r) => (
            <Menu.Item key={r} leftSection={tick(r === value)} onClick={() => onChange(r)}>
              {t(`refresh.${r}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
