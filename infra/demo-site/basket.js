/** The basket of this tab. */

import { CATALOGUE } from "./catalogue.js";

const KEY = "demo-basket";

/** The basket's lines: `{ product, quantity }`. */
export function lines() {
  const quantities = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  return CATALOGUE.filter(({ sku }) => quantities[sku] > 0).map((product) => ({
    product,
    quantity: quantities[product.sku],
  }));
}

export function total() {
  return lines().reduce((sum, { product, quantity }) => sum + product.price * quantity, 0);
}

export function add({ sku }) {
  const quantities = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  sessionStorage.setItem(KEY, JSON.stringify({ ...quantities, [sku]: (quantities[sku] ?? 0) + 1 }));
  showCount();
}

export function empty() {
  sessionStorage.removeItem(KEY);
  showCount();
}

/** Shows how many things are in the basket, in the page's header. */
export function showCount() {
  const count = lines().reduce((sum, { quantity }) => sum + quantity, 0);
  document.getElementById("basket-count").textContent = String(count);
}
