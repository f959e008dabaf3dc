/** Hands the API to the components below, so that views need not pass it on. */
import { createContext, useContext } from "react";
import type { Api } from "./client";

export const ApiContext = createContext<Api | null>(null);

/** The API of the signed-in user. */
export function useApi(): Api {
  const api = useContext(ApiContext);
  if (api === null) {
    throw new Error("useApi needs an ApiContext above");
  }
  return api;
}
