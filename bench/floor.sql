-- The least that could serve the same requests: what is asked of a code in three tables, a redemption in two more.
CREATE SCHEMA floor;
CREATE TABLE floor.campaign (
    project_id integer NOT NULL, id text COLLATE "C" NOT NULL, name text NOT NULL, active boolean NOT NULL,
    PRIMARY KEY (project_id, id)
);
CREATE TABLE floor.voucher (
    project_id integer NOT NULL, code text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
    campaign_id text COLLATE "C" NOT NULL, discount jsonb NOT NULL, quantity bigint,
    redeemed_count bigint NOT NULL DEFAULT 0, active boolean NOT NULL, starts_at timestamptz, expires_at timestamptz,
    created_at timestamptz NOT NULL, metadata jsonb NOT NULL, PRIMARY KEY (project_id, code)
) WITH (fillfactor = 85);
CREATE INDEX ON floor.voucher (project_id, campaign_id);
CREATE TABLE floor.customer (
    project_id integer NOT NULL, source_id text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, name text,
    email text, metadata jsonb NOT NULL, PRIMARY KEY (project_id, source_id)
);
CREATE TABLE floor.redemption (
    project_id integer NOT NULL, id uuid NOT NULL DEFAULT gen_random_uuid(), voucher_code text NOT NULL,
    customer_id text, order_id text, amount bigint, result text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (project_id, id)
);
CREATE INDEX ON floor.redemption (project_id, voucher_code);
CREATE INDEX ON floor.redemption (project_id, customer_id);
CREATE TABLE floor.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 50) PRIMARY KEY, project_id integer NOT NULL, kind text NOT NULL,
    payload jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO floor.campaign SELECT project_id, id, name, active FROM campaigns;
INSERT INTO floor.voucher
    SELECT voucher.project_id, voucher.normal_code, voucher.id, campaign_id, campaign.discount,
        voucher.redemption_quantity, 0, voucher.active, voucher.start_date, voucher.expiration_date,
        voucher.created_at, '{}'
    FROM vouchers AS voucher JOIN campaigns AS campaign
        ON campaign.project_id = voucher.project_id AND campaign.id = voucher.campaign_id;
INSERT INTO floor.customer SELECT project_id, source_id, id, name, email, metadata FROM customers;
-- The codes that are redeemed, for pgbench to pick from.
CREATE TABLE floor.sample (number integer PRIMARY KEY, code text NOT NULL, id text NOT NULL);
