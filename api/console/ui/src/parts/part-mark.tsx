import type { PartLine } from "../api/wire";
import { useShell } from "../shell/context";

/** A part and whether it can be had: reserved for this order, in stock, or out of stock. */
export function PartMark({ part }: { part: PartLine }) {
  const { texts, formats } = useShell();
  const enough = part.reserved || part.available >= part.quantity;
  return (
    <>
      <span class="first" title={part.name}>
        {part.quantity > 1 && `${formats.number(part.quantity)} × `}
        {part.number}
      </span>
      <span class={`second ${enough ? "in-stock" : "out-of-stock"}`}>
        {part.reserved
          ? texts.part.reserved
          : enough
            ? texts.part.inStock(formats.number(part.available))
            : texts.part.short}
      </span>
    </>
  );
}
