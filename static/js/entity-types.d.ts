/** What was named, as server/model/entities.py defines it. */

export type EntityCategory =
  | 'SymptomOrSign' | 'Diagnosis' | 'MedicationName' | 'MedicationClass' | 'MedicationForm' | 'MedicationRoute' | 'Dosage' | 'Frequency'
  | 'ExaminationName' | 'MeasurementValue' | 'TreatmentName' | 'BodyStructure' | 'Allergen' | 'Age' | 'Time' | 'FamilyRelation' | 'SubstanceUse';
export type Assertion = 'affirmed' | 'negated' | 'possible' | 'family' | 'past' | 'asked' | 'supposed';
export type RelationKind =
  | 'dosage_of' | 'frequency_of' | 'form_of' | 'route_of' | 'value_of' | 'time_of' | 'place_of' | 'relative_with';

export interface Entity {
  id: string;
  utterance_id: string;
  category: EntityCategory;
  text: string;
  start: number;
  end: number;
  normal: string;
  name: string;
  assertion: Assertion;
  confidence: number;
  approximate: boolean;
  value: number | null;
  unit: string;
  relations: { kind: RelationKind; to: string }[];
  answer_id: string;
}

export interface EntitiesFound {
  type: 'entities_found';
  at_s: number;
  utterance_id: string;
  entities: Entity[];
  provider: string;
  latency_s: number;
}
