import { Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { Component, type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "./Empty";

export interface PanelAction {
  label: string;
  icon?: ReactNode;
  onClick(): void;
}

interface Props {
  title: string;
  subtitle?: string;
  /** Shown at the right of the header, before the menu. */
  link?: ReactNode;
  actions?: PanelAction[];
  span?: number;
  /** Data are on screen and newer ones are on their way. */
  refreshing?: boolean;
  className?: string;
  children: ReactNode;
}

/** The frame of everything on a page. A panel that fails never takes its page down. */
export function Panel({
  title,
  subtitle,
  link,
  actions,
  span = 12,
  refreshing,
  className = "",
  children,
}: Props) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <section className={`panel span-${span} ${className}`} aria-labelledby={id}>
      {refreshing && <div className="progress" aria-hidden="true" />}
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        {subtitle && <span className="panel-sub">{subtitle}</span>}
        <span className="grow" />
        {link}
        {actions && actions.length > 0 && (
          <Menu position="bottom-end" withinPortal shadow="md">
            <Menu.Target>
              <button type="button" className="icon-btn" aria-label={t("panel.menu", { title })}>
                <IconDots size={16} aria-hidden="true" />
              </button>
            </Menu.Target>
            <Menu.Dropdown>
              {actions.map((a) => (
                <Menu.Item key={a.label} leftSection={a.icon} onClick={a.onClick}>
                  {a.label}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        )}
      </header>
      <div className="panel-body">
        <Boundary>{children}</Boundary>
      </div>
    </section>
  );
}

/** Catches what a panel throws while drawing and says so in its place. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return <ErrorNote error={this.state.error} onRetry={() => this.setState({ error: null })} />;
  }
}
