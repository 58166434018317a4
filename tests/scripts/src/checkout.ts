import { Cart } from "./cart";

function applyDiscounts(cart: Cart): number {
  const discounts = new Map([["teapot", 0.1]]);
  return cart.total(discounts);
}

export function checkout(names: string[]): number {
  const cart = new Cart();
  for (const name of names) {
    cart.add({ name, price: 20, quantity: 1 });
  }
  return applyDiscounts(cart);
}

(globalThis as any).checkout = checkout;
