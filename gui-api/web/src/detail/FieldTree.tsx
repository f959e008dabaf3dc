import type { JsonObject } from "../api/types";
import { fieldsOf } from "./fields";
import type { Field } from "./fields";
import styles from "./FieldTree.module.css";

/** A JSON object as labelled values, nested where it is. */
export function FieldTree({ fields, empty }: { fields: JsonObject; empty: string }) {
  const laidOut = fieldsOf(fields);
  return laidOut.length === 0 ? <p className="quiet">{empty}</p> : <Fields fields={laidOut} />;
}

function Fields({ fields }: { fields: Field[] }) {
  return (
    <dl className={styles["fields"]}>
      {fields.map((field) =>
        field.kind === "group" ? (
          <div key={field.key} className={styles["group"]}>
            <dt>{field.key}</dt>
            <dd>
              <Fields fields={field.fields} />
            </dd>
          </div>
        ) : (
          <div key={field.key} className={styles["field"]}>
            <dt>{field.key}</dt>
            <dd className={styles[field.kind]}>{field.text}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
