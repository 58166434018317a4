// The source of built/basket.min.js; `npx esbuild basket.js --minify --sourcemap
// --outfile=built/basket.min.js` makes it and its map.

export function priceOf(basket) {
  return basket.lines.map((line) => line.price * line.quantity).reduce(addUp, 0);
}

function addUp(sum, amount) {
  if (Number.isNaN(amount)) {
    throw new TypeError("A line of the basket has no price");
  }
  return sum + amount;
}

window.checkOut = function checkOut(basket) {
  const price = priceOf(basket);
  return { price, currency: "EUR" };
};
