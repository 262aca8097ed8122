--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: refuse_change(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: label_database_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.label_database_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: label_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.label_events (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    response_key bigint NOT NULL,
    annotator text NOT NULL,
    field text NOT NULL,
    old text NOT NULL,
    new text NOT NULL,
    at text NOT NULL,
    kind text NOT NULL,
    schema_version text NOT NULL,
    refers bigint,
    client_id text,
    parent text,
    round integer DEFAULT 1 NOT NULL
);


--
-- Name: label_events_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.label_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: label_events_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.label_events_id_seq OWNED BY public.label_events.id;


--
-- Name: responses; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.responses (
    key bigint NOT NULL,
    run_id bigint NOT NULL,
    "position" integer NOT NULL,
    id text NOT NULL,
    question text NOT NULL,
    question_key text NOT NULL,
    answer text NOT NULL,
    explanation text NOT NULL,
    prompt_kind text NOT NULL,
    model text NOT NULL,
    steps text NOT NULL,
    gold_answer text,
    sample bigint NOT NULL
);


--
-- Name: responses_key_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.responses_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: responses_key_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.responses_key_seq OWNED BY public.responses.key;


--
-- Name: run_settings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.run_settings (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    schema_version text NOT NULL,
    at text NOT NULL,
    repeat_share double precision DEFAULT '0'::double precision NOT NULL
);


--
-- Name: run_settings_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.run_settings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: run_settings_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.run_settings_id_seq OWNED BY public.run_settings.id;


--
-- Name: runs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.runs (
    id bigint NOT NULL,
    name text NOT NULL,
    notes text NOT NULL,
    created text NOT NULL
);


--
-- Name: runs_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.runs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: runs_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.runs_id_seq OWNED BY public.runs.id;


--
-- Name: schemas; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schemas (
    version text NOT NULL,
    json text NOT NULL
);


--
-- Name: label_events id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.label_events ALTER COLUMN id SET DEFAULT nextval('public.label_events_id_seq'::regclass);


--
-- Name: responses key; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.responses ALTER COLUMN key SET DEFAULT nextval('public.responses_key_seq'::regclass);


--
-- Name: run_settings id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run_settings ALTER COLUMN id SET DEFAULT nextval('public.run_settings_id_seq'::regclass);


--
-- Name: runs id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.runs ALTER COLUMN id SET DEFAULT nextval('public.runs_id_seq'::regclass);


--
-- Data for Name: label_database_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.label_database_version VALUES ('0002_silent_repeats');


--
-- Data for Name: label_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.label_events VALUES (1, 1, 2, 'rater 1', 'explanation', '', 'correct', '2026-03-01T12:02:00.000000+00:00', 'import', '4dad1c5303d2', NULL, NULL, NULL, 1);
INSERT INTO public.label_events VALUES (2, 1, 1, 'ann', 'answer', '', 'wrong', '2026-03-01T12:03:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000001', NULL, 1);
INSERT INTO public.label_events VALUES (3, 1, 2, 'ann', 'explanation', '', 'correct', '2026-03-01T12:04:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 1);
INSERT INTO public.label_events VALUES (4, 1, 2, 'ann', 'convincing', '', 'yes', '2026-03-01T12:04:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 1);
INSERT INTO public.label_events VALUES (5, 1, 2, 'ann', 'answer', '', 'correct', '2026-03-01T12:04:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 1);
INSERT INTO public.label_events VALUES (6, 1, 3, 'ann', 'explanation', '', 'flawed', '2026-03-01T12:05:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000002', 1);
INSERT INTO public.label_events VALUES (7, 1, 3, 'ann', 'convincing', '', 'yes', '2026-03-01T12:05:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000002', 1);
INSERT INTO public.label_events VALUES (8, 1, 3, 'ann', 'answer', '', 'correct', '2026-03-01T12:06:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000004', '00000000-0000-0000-0000-000000000003', 1);
INSERT INTO public.label_events VALUES (9, 1, 3, 'ann', 'answer', 'correct', '', '2026-03-01T12:07:00.000000+00:00', 'undo', '4dad1c5303d2', 8, '00000000-0000-0000-0000-000000000005', NULL, 1);
INSERT INTO public.label_events VALUES (10, 1, 3, 'ann', 'answer', '', 'wrong', '2026-03-01T12:08:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000006', '00000000-0000-0000-0000-000000000003', 1);
INSERT INTO public.label_events VALUES (11, 1, 3, 'ann', 'first_wrong_step', '', '1', '2026-03-01T12:08:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000006', '00000000-0000-0000-0000-000000000003', 1);
INSERT INTO public.label_events VALUES (12, 1, 1, 'bo', 'answer', '', 'wrong', '2026-03-01T12:09:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000007', NULL, 1);
INSERT INTO public.label_events VALUES (13, 1, 1, 'bo', 'flag', '', 'yes', '2026-03-01T12:09:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000007', NULL, 1);
INSERT INTO public.label_events VALUES (14, 1, 2, 'bo', 'explanation', '', 'correct', '2026-03-01T12:10:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000008', '00000000-0000-0000-0000-000000000007', 1);
INSERT INTO public.label_events VALUES (15, 1, 2, 'bo', 'convincing', '', 'no', '2026-03-01T12:10:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000008', '00000000-0000-0000-0000-000000000007', 1);
INSERT INTO public.label_events VALUES (16, 1, 2, 'bo', 'answer', '', 'correct', '2026-03-01T12:10:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000008', '00000000-0000-0000-0000-000000000007', 1);
INSERT INTO public.label_events VALUES (17, 1, 3, 'bo', 'explanation', '', 'unsure', '2026-03-01T12:11:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000009', '00000000-0000-0000-0000-000000000008', 1);
INSERT INTO public.label_events VALUES (18, 1, 3, 'bo', 'convincing', '', 'no', '2026-03-01T12:11:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000009', '00000000-0000-0000-0000-000000000008', 1);
INSERT INTO public.label_events VALUES (19, 1, 3, 'bo', 'answer', '', 'wrong', '2026-03-01T12:11:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000009', '00000000-0000-0000-0000-000000000008', 1);
INSERT INTO public.label_events VALUES (20, 1, 3, 'bo', 'first_wrong_step', '', 'none', '2026-03-01T12:11:00.000000+00:00', 'label', '4dad1c5303d2', NULL, '00000000-0000-0000-0000-000000000009', '00000000-0000-0000-0000-000000000008', 1);
INSERT INTO public.label_events VALUES (21, 1, 3, 'ann', 'note', '', '=1+1 is naïve – 漢字 🥚 ‮right to left', '2026-03-01T12:13:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000006', 1);
INSERT INTO public.label_events VALUES (22, 1, 3, 'ann', 'note', '=1+1 is naïve – 漢字 🥚 ‮right to left', '', '2026-03-01T12:14:00.000000+00:00', 'undo', 'ee433d0dcef3', 21, '00000000-0000-0000-0000-00000000000b', NULL, 1);
INSERT INTO public.label_events VALUES (23, 1, 3, 'ann', 'note', '', '=1+1 is naïve – 漢字 🥚 ‮right to left', '2026-03-01T12:15:00.000000+00:00', 'redo', 'ee433d0dcef3', 21, '00000000-0000-0000-0000-00000000000c', NULL, 1);
INSERT INTO public.label_events VALUES (24, 1, 4, 'bo', 'answer', '', 'correct', '2026-03-01T12:16:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-00000000000d', '00000000-0000-0000-0000-000000000009', 1);
INSERT INTO public.label_events VALUES (25, 1, 5, 'bo', 'explanation', '', 'correct', '2026-03-01T12:17:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-00000000000e', '00000000-0000-0000-0000-00000000000d', 1);
INSERT INTO public.label_events VALUES (26, 1, 5, 'bo', 'convincing', '', 'yes', '2026-03-01T12:17:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-00000000000e', '00000000-0000-0000-0000-00000000000d', 1);
INSERT INTO public.label_events VALUES (27, 1, 5, 'bo', 'answer', '', 'correct', '2026-03-01T12:17:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-00000000000e', '00000000-0000-0000-0000-00000000000d', 1);
INSERT INTO public.label_events VALUES (28, 1, 6, 'bo', 'explanation', '', 'flawed', '2026-03-01T12:18:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-00000000000f', '00000000-0000-0000-0000-00000000000e', 1);
INSERT INTO public.label_events VALUES (29, 1, 6, 'bo', 'convincing', '', 'no', '2026-03-01T12:18:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-00000000000f', '00000000-0000-0000-0000-00000000000e', 1);
INSERT INTO public.label_events VALUES (30, 1, 6, 'bo', 'answer', '', 'no consistent answer', '2026-03-01T12:18:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-00000000000f', '00000000-0000-0000-0000-00000000000e', 1);
INSERT INTO public.label_events VALUES (31, 1, 6, 'bo', 'note', '', 'half d83d, 0000', '2026-03-01T12:18:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-00000000000f', '00000000-0000-0000-0000-00000000000e', 1);
INSERT INTO public.label_events VALUES (32, 1, 5, 'ann', 'answer', '', 'correct', '2026-03-01T12:19:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-000000000010', '00000000-0000-0000-0000-00000000000a', 1);
INSERT INTO public.label_events VALUES (33, 1, 5, 'ann', 'flag', '', 'yes', '2026-03-01T12:19:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-000000000010', '00000000-0000-0000-0000-00000000000a', 1);
INSERT INTO public.label_events VALUES (34, 1, 3, 'cy', 'explanation', '', 'flawed', '2026-03-01T12:20:00.000000+00:00', 'adjudication', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-000000000011', NULL, 1);
INSERT INTO public.label_events VALUES (35, 1, 1, 'bo', 'answer', '', 'no consistent answer', '2026-03-01T12:21:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-000000000012', '00000000-0000-0000-0000-00000000000f', 2);
INSERT INTO public.label_events VALUES (36, 1, 5, 'ann', 'explanation', '', 'partly correct', '2026-03-01T12:22:00.000000+00:00', 'label', 'ee433d0dcef3', NULL, '00000000-0000-0000-0000-000000000013', '00000000-0000-0000-0000-000000000010', 1);


--
-- Data for Name: responses; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.responses VALUES (1, 1, 0, 'r0', 'Anna has 3 boxes of 4 eggs and breaks 2. How many are left?', '84f751ae6eaf629a1aff806489836d0b0ab6d5be81f2d321bbf363d6175b8467', '9', '', 'standard', 'small', '[]', '10', 0);
INSERT INTO public.responses VALUES (2, 1, 1, 'r1', 'Anna has 3 boxes of 4 eggs and breaks 2. How many are left?', '84f751ae6eaf629a1aff806489836d0b0ab6d5be81f2d321bbf363d6175b8467', '$10.00', '3 boxes of 4 are 12.
12 - 2 = 10.', 'chain of thought', 'small', '[]', '10', 0);
INSERT INTO public.responses VALUES (3, 1, 2, 'r2', 'Anna has 3 boxes of 4 eggs and breaks 2. How many are left?', '84f751ae6eaf629a1aff806489836d0b0ab6d5be81f2d321bbf363d6175b8467', '12', '3 + 4 is 12.', 'chain of thought', 'small', '[]', '10', 1);
INSERT INTO public.responses VALUES (4, 1, 3, 'r3', 'Wie viele Beine haben drei Fliegen?', '4d40f2c9f54cb585e999e907816b8275cfb73d374f218ae39295528ed30e8424', '18', '', 'standard', 'small', '[]', '18', 0);
INSERT INTO public.responses VALUES (5, 1, 4, 'r4', 'Wie viele Beine haben drei Fliegen?', '4d40f2c9f54cb585e999e907816b8275cfb73d374f218ae39295528ed30e8424', '18 Beine', 'Je 6, also 3 × 6 = 18 🪰', 'chain of thought', 'large', '["Je 6", "3 \u00d7 6"]', '18', 0);
INSERT INTO public.responses VALUES (6, 1, 5, 'ré/5', '=2+2?', '684f76a72a2591299fd7b8b97f839cafd945d4249f213af7249d3b5529401ced', '', '<b>Half d83d</b> and 0000 none', 'chain of thought', 'large', '[]', NULL, 0);


--
-- Data for Name: run_settings; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.run_settings VALUES (1, 1, '4dad1c5303d2', '2026-03-01T12:01:00.000000+00:00', 0.5);
INSERT INTO public.run_settings VALUES (2, 1, 'ee433d0dcef3', '2026-03-01T12:12:00.000000+00:00', 0.5);


--
-- Data for Name: runs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.runs VALUES (1, 'Eggs & flies', '["Made for tests: na\u00efve \u6f22\u5b57 \ud83e\udd5a", "=1+1"]', '2026-03-01T12:01:00.000000+00:00');


--
-- Data for Name: schemas; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.schemas VALUES ('4dad1c5303d2', '[{"choices": ["correct", "flawed", "unsure"], "field": "explanation", "guideline": "**correct**: every step that matters is true and follows from the question or from the steps before, even if the style is poor. **flawed**: a false statement, a wrong calculation, a step that does not follow, or the reason itself is missing. **unsure**: you cannot tell. *“3 boxes of 4 are 12, minus 2 is 10” is correct; “3 + 4 is 12, minus 2 is 10” is flawed, although it ends at the right number.*", "keys": ["c", "f", "u"], "revealed": false, "text": "Is the explanation correct?"}, {"choices": ["yes", "no"], "field": "convincing", "guideline": "**yes**: a reader who does not know the answer would accept it after reading this. **no**: it leaves a doubt, contradicts itself, repeats the question, or says nothing. A wrong explanation can convince, and a correct one may fail to. *“Because the answer is 10” does not convince.*", "keys": ["y", "n"], "revealed": false, "text": "Is it convincing?"}, {"choices": ["correct", "wrong", "no consistent answer"], "field": "answer", "guideline": "**correct**: the final answer means the same as the gold answer, whatever its form (“$10.00” and “10”). **wrong**: it means something else. **no consistent answer**: there is none, or there are several that contradict each other.", "keys": ["a", "w", "x"], "revealed": true, "text": "Is the answer right?"}]');
INSERT INTO public.schemas VALUES ('ee433d0dcef3', '[{"choices": ["correct", "flawed", "unsure", "partly correct"], "field": "explanation", "guideline": "**correct**: every step that matters is true and follows from the question or from the steps before, even if the style is poor. **flawed**: a false statement, a wrong calculation, a step that does not follow, or the reason itself is missing. **unsure**: you cannot tell. *“3 boxes of 4 are 12, minus 2 is 10” is correct; “3 + 4 is 12, minus 2 is 10” is flawed, although it ends at the right number.*", "keys": ["c", "f", "u", "p"], "revealed": false, "text": "Is the explanation correct?"}, {"choices": ["yes", "no"], "field": "convincing", "guideline": "**yes**: a reader who does not know the answer would accept it after reading this. **no**: it leaves a doubt, contradicts itself, repeats the question, or says nothing. A wrong explanation can convince, and a correct one may fail to. *“Because the answer is 10” does not convince.*", "keys": ["y", "n"], "revealed": false, "text": "Is it convincing?"}, {"choices": ["correct", "wrong", "no consistent answer"], "field": "answer", "guideline": "**correct**: the final answer means the same as the gold answer, whatever its form (“$10.00” and “10”). **wrong**: it means something else. **no consistent answer**: there is none, or there are several that contradict each other.", "keys": ["a", "w", "x"], "revealed": true, "text": "Is the answer right?"}]');


--
-- Name: label_events_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.label_events_id_seq', 36, true);


--
-- Name: responses_key_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.responses_key_seq', 6, true);


--
-- Name: run_settings_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.run_settings_id_seq', 2, true);


--
-- Name: runs_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.runs_id_seq', 1, true);


--
-- Name: label_database_version label_database_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.label_database_version
    ADD CONSTRAINT label_database_version_pkc PRIMARY KEY (version_num);


--
-- Name: label_events label_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.label_events
    ADD CONSTRAINT label_events_pkey PRIMARY KEY (id);


--
-- Name: responses responses_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.responses
    ADD CONSTRAINT responses_pkey PRIMARY KEY (key);


--
-- Name: responses responses_run_id_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.responses
    ADD CONSTRAINT responses_run_id_id_key UNIQUE (run_id, id);


--
-- Name: responses responses_run_id_position_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.responses
    ADD CONSTRAINT responses_run_id_position_key UNIQUE (run_id, "position");


--
-- Name: run_settings run_settings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run_settings
    ADD CONSTRAINT run_settings_pkey PRIMARY KEY (id);


--
-- Name: runs runs_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_name_key UNIQUE (name);


--
-- Name: runs runs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (id);


--
-- Name: schemas schemas_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schemas
    ADD CONSTRAINT schemas_pkey PRIMARY KEY (version);


--
-- Name: events_by_annotator; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_by_annotator ON public.label_events USING btree (run_id, annotator, id);


--
-- Name: events_by_parent; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_by_parent ON public.label_events USING btree (run_id, annotator, parent, id);


--
-- Name: events_by_response; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_by_response ON public.label_events USING btree (response_key, id);


--
-- Name: events_by_run; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_by_run ON public.label_events USING btree (run_id, id);


--
-- Name: events_once; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX events_once ON public.label_events USING btree (run_id, annotator, client_id, field);


--
-- Name: responses_by_question; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX responses_by_question ON public.responses USING btree (question_key);


--
-- Name: settings_by_run; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX settings_by_run ON public.run_settings USING btree (run_id, id);


--
-- Name: label_events label_events_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER label_events_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.label_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: responses responses_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER responses_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.responses FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: run_settings run_settings_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER run_settings_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.run_settings FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: runs runs_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER runs_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.runs FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: schemas schemas_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER schemas_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.schemas FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: label_events label_events_refers_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.label_events
    ADD CONSTRAINT label_events_refers_fkey FOREIGN KEY (refers) REFERENCES public.label_events(id);


--
-- Name: label_events label_events_response_key_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.label_events
    ADD CONSTRAINT label_events_response_key_fkey FOREIGN KEY (response_key) REFERENCES public.responses(key);


--
-- Name: label_events label_events_run_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.label_events
    ADD CONSTRAINT label_events_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.runs(id);


--
-- Name: label_events label_events_schema_version_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.label_events
    ADD CONSTRAINT label_events_schema_version_fkey FOREIGN KEY (schema_version) REFERENCES public.schemas(version);


--
-- Name: responses responses_run_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.responses
    ADD CONSTRAINT responses_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.runs(id);


--
-- Name: run_settings run_settings_run_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run_settings
    ADD CONSTRAINT run_settings_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.runs(id);


--
-- Name: run_settings run_settings_schema_version_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run_settings
    ADD CONSTRAINT run_settings_schema_version_fkey FOREIGN KEY (schema_version) REFERENCES public.schemas(version);


--
-- PostgreSQL database dump complete
--


