/** What the shop sells. Field names are those that commerce events of the `/track` protocol use. */

export const CURRENCY = "EUR";

export const CATALOGUE = [
  { sku: "LAN-1", name: "Storm lantern", category: "light", brand: "Skerry", price: 48, image: "images/lantern.svg",
    text: "Burns through a night of wind. Steel, glass, and a wick that can be bought anywhere." },
  { sku: "BLA-2", name: "Harbour blanket", category: "warmth", brand: "Skerry", price: 89.5, image: "images/blanket.svg",
    text: "Heavy wool, woven tight enough to keep out spray. Large enough for two who like each other." },
  { sku: "MUG-3", name: "Enamel mug", category: "kitchen", brand: "Tidepool", price: 13.45, image: "images/mug.svg",
    text: "Holds three decilitres of anything hot, and does not mind the rocks." },
];

/** The product of this id; the first one when there is none, so that the page always shows something. */
export function productOf(sku) {
  return CATALOGUE.find((product) => product.sku === sku) ?? CATALOGUE[0];
}

/** What an event says of a product. */
export function propertiesOf({ sku, name, category, brand, price }, quantity = 1) {
  return { id: sku, sku, name, category, brand, price, quantity };
}

/** An amount for people. */
export function money(amount) {
  return new Intl.NumberFormat("en", { style: "currency", currency: CURRENCY }).format(amount);
}
