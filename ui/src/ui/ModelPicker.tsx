import { Combobox, useCombobox } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { modelsQuery } from "../api/queries";
import type { ModelRow, State } from "../api/types";
import { Strip } from "../charts/Strip";
import { words } from "../i18n";
import { full } from "../lib/format";
import { usePrefs } from "../lib/prefs";
import { Glyph } from "./Glyph";

interface Props {
  current?: { name: string; version?: string; state: State } | null;
  onPick(name: string): void;
}

const ORDER: State[] = ["critical", "warning", "pending", "no_data", "silenced", "ok"];

/** Models by state, worst first, in the order of the server inside a state. */
export function grouped(models: ModelRow[], search: string): [State, ModelRow[]][] {
  const q = search.trim().toLowerCase();
  const found = models.filter((m) => m.name.toLowerCase().includes(q));
  return ORDER.map((s): [State, ModelRow[]] => [s, found.filter((m) => m.state === s)]).filter(
    ([, l]) => l.length > 0,
  );
}

export function ModelPicker({ current, onPick }: Props) {
  const { t } = useTranslation();
  const { lang } = usePrefs();
  const [search, setSearch] = useState("");
  const models = useQuery(modelsQuery()).data ?? [];
  const box = useCombobox({
    onDropdownClose: () => {
      box.resetSelectedOption();
      setSearch("");
    },
    onDropdownOpen: () => box.focusSearchInput(),
  });
  const groups = grouped(models, search);
  return (
    <Combobox
      store={box}
      position="bottom-start"
      width={400}
      shadow="md"
      withinPortal={false}
      onOptionSubmit={(v) => {
        box.closeDropdown();
        onPick(v);
      }}
    >
      <Combobox.Target targetType="button" withAriaAttributes={false}>
        <button
          type="button"
          className="btn modelbtn"
          aria-haspopup="listbox"
          aria-expanded={box.dropdownOpened}
          onClick={() => box.toggleDropdown()}
        >
          <span className="sr">{t("bar.model")}</span>
          {current && <Glyph state={current.state} size={14} />}
          <b>{current?.name ?? t("bar.noModel")}</b>
          {current?.version && <span className="dim desk-only">{current.version}</span>}
          <IconChevronDown size={14} aria-hidden="true" />
        </button>
      </Combobox.Target>
      <Combobox.Dropdown className="modeldrop">
        <Combobox.Search
          value={search}
          onChange={(e) => setSearch(e.currentTarget.value)}
          placeholder={t("bar.searchModel")}
          aria-label={t("bar.searchModel")}
        />
        <Combobox.Options mah={360} style={{ overflowY: "auto" }} tabIndex={0} aria-label={t("bar.models")}>
          {groups.length === 0 && <Combobox.Empty>{t("bar.noneFound")}</Combobox.Empty>}
          {groups.map(([state, list]) => (
            <Combobox.Group key={state} label={`${t(`state.${state}`)} · ${list.length}`}>
              {list.map((m) => (
                <Combobox.Option key={m.name} value={m.name} active={m.name === current?.name}>
                  <span className="modelopt">
                    <Glyph state={m.state} size={13} silent />
                    <span className="modelopt-name">
                      {m.name} <i>{m.version}</i>
                    </span>
                    <span className="modelopt-strip">
                      {m.strip && m.strip.length > 0 && <Strip states={m.strip} />}
                    </span>
                    <span className="modelopt-value">
                      {m.headline && (
                        <>
                          {words(m.headline.title, lang)}{" "}
                          <b className="num">{full(m.headline.value, m.headline.unit, true)}</b>
                        </>
                      )}
                    </span>
                  </span>
                </Combobox.Option>
              ))}
            </Combobox.Group>
          ))}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
