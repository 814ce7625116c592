import type { UseQueryResult } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import type { Overview } from "./api/types";

/** What the shell and the page share: the answer on screen and how to move the view. */
export interface View {
  overview: UseQueryResult<Overview>;
  zoom(from: string, to: string): void;
  zoomOut(): void;
}

export const ViewContext = createContext<View | null>(null);

export function useView(): View {
  const v = useContext(ViewContext);
  if (!v) throw new Error("ViewContext is missing");
  return v;
}
