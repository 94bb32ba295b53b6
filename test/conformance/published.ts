/** Published schemas, from the material beside the checkout: what we send must fit them. */
import { readFileSync } from 'node:fs';
import { Compile } from 'typebox/schema';
import { parse } from 'yaml';

const MATERIAL = new URL('../../../shared/conformance/', import.meta.url);

/** Says whether a value fits, and where not. */
export type Fits = (value: unknown) => { readonly ok: boolean; readonly why: string };

/** Text of a file of the material. */
export function material(path: string): string {
  return readFileSync(new URL(path, MATERIAL), 'utf8');
}

/** A validator of a JSON Schema (2020-12) that compiles it once. */
export function fitting(schema: object): Fits {
  const compiled = Compile(schema);
  return (value) => {
    if (compiled.Check(value)) return { ok: true, why: '' };
    const [, errors] = compiled.Errors(value);
    return {
      ok: false,
      why: errors.map((one) => `${one.instancePath}: ${one.message}`).join('; '),
    };
  };
}

/** The Detection Finding of OCSF in one of its versions. */
export function ocsfFinding(version: '1.8.0' | '1.9.0-dev'): Fits {
  return fitting(JSON.parse(material(`ocsf/detection_finding-${version}.schema.json`)) as object);
}

/** An object that findings hold, for example `metadata`: other classes hold the same. */
export function ocsfObject(name: string): Fits {
  const all = JSON.parse(material('ocsf/detection_finding-1.8.0.schema.json')) as {
    $defs: Record<string, object>;
  };
  return fitting({ $ref: `#/$defs/${name}`, $defs: all.$defs });
}

/** A definition of Alertmanager's API v2, for example `postableAlerts`. */
export function alertmanager(name: string): Fits {
  const api = parse(material('alertmanager/openapi.yaml')) as { definitions: object };
  return fitting({ $ref: `#/definitions/${name}`, definitions: api.definitions });
}
