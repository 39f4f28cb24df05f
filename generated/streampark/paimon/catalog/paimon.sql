CREATE CATALOG `paimon` WITH (
  'type' = 'paimon',
  'warehouse' = 's3://streampark-prod/paimon'
);
