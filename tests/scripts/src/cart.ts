export interface Item {
  name: string;
  price: number;
  quantity: number;
}

export class Cart {
  private items: Item[] = [];

  add(item: Item): void {
    this.items.push(item);
  }

  total(discounts: Map<string, number>): number {
    return this.items.reduce((sum, item) => sum + this.priceOf(item, discounts), 0);
  }

  private priceOf(item: Item, discounts: Map<string, number>): number {
    const discount = discounts.get(item.name);
    if (discount === undefined) {
      throw new RangeError(`no price for ${item.name}`);
    }
    return item.price * item.quantity * (1 - discount);
  }
}
