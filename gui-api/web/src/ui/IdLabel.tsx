import { hueOf, shortId } from "../format/id";

/** An id in short, with the colour that it has everywhere. */
export function IdLabel({ id, coloured = false }: { id: string; coloured?: boolean }) {
  return (
    <span className="id" title={id}>
      {coloured && <span className={`swatch hue-${hueOf(id)}`} aria-hidden="true" />}
      {shortId(id)}
    </span>
  );
}
