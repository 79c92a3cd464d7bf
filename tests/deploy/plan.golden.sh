#!/usr/bin/env bash
# GreenWatt Intake in project my-project, us-east4.
# Nothing below has been run. What Google has already is left as it is, or brought to what stands here by the line
#   after `if it is there:`. Where `looks:` stands, that is asked first, and nothing is run if nothing differs. FOUND
#   and HELD are what that answer says of the thing. What fails with something that passes by itself is tried again
#   for 11 minutes.
set -euo pipefail

# === Before anything is changed =============================================================================
# gcloud's components: gcloud version --format=json
# the project: gcloud projects describe my-project --format=json
# billing: gcloud billing projects describe my-project --format=json
# the region: gcloud run regions list --project=my-project --format=json
# Node.js: node --version
# a login for the Firebase CLI: bash -c 'gcloud auth application-default print-access-token > /dev/null 2>&1 || npx --yes firebase-tools@15.34.2 login:list --non-interactive | grep -q @'
# Firebase's terms: env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 projects:list --json --non-interactive
# the organisation's policy iam.disableServiceAccountCreation: gcloud org-policies describe iam.disableServiceAccountCreation --project=my-project --effective --format=json
# the organisation's policy cloudfunctions.requireVPCConnector: gcloud org-policies describe cloudfunctions.requireVPCConnector --project=my-project --effective --format=json
# the organisation's policy cloudfunctions.allowedIngressSettings: gcloud org-policies describe cloudfunctions.allowedIngressSettings --project=my-project --effective --format=json
# the organisation's policy run.allowedIngress: gcloud org-policies describe run.allowedIngress --project=my-project --effective --format=json
# the organisation's policy gcp.resourceLocations: gcloud org-policies describe gcp.resourceLocations --project=my-project --effective --format=json
# the organisation's policy iam.allowedPolicyMemberDomains: gcloud org-policies describe iam.allowedPolicyMemberDomains --project=my-project --effective --format=json
# the bucket's region: gcloud storage buckets describe gs://my-project-bills --project=my-project --format=json --raw
# Firestore's region: gcloud firestore databases describe --project=my-project --database='(default)' --format=json
# the quota of vCPUs: gcloud beta quotas info describe CpuAllocPerProjectRegion --service=run.googleapis.com --project=my-project --format=json
# Vision's quota: gcloud beta quotas info list --service=vision.googleapis.com --project=my-project --format=json
# who may write to the Sheet: printf "Authorization: Bearer %s" "$(gcloud auth print-access-token)" | curl --fail-with-body --silent --show-error --header @- --header='X-Goog-User-Project: my-project' 'https://www.googleapis.com/drive/v3/files/1aBcDeFgHiJkLmNoPqRsTuVwXyZ/permissions?supportsAllDrives=true&fields=permissions(type,role,emailAddress)'

# === Project =============================================================================================

# Google's own accounts in the project are named by its number.
PROJECT_NUMBER=$(gcloud projects describe my-project --format='value(projectNumber)')

# APIs: The products that are used; and the accounts that Google would make on first use, too late for the roles
#   below.
gcloud services enable artifactregistry.googleapis.com cloudbuild.googleapis.com cloudfunctions.googleapis.com \
  cloudquotas.googleapis.com cloudscheduler.googleapis.com drive.googleapis.com eventarc.googleapis.com \
  firebase.googleapis.com firebaseappcheck.googleapis.com firebasehosting.googleapis.com \
  firebaserules.googleapis.com firestore.googleapis.com iam.googleapis.com logging.googleapis.com \
  monitoring.googleapis.com pubsub.googleapis.com run.googleapis.com secretmanager.googleapis.com \
  sheets.googleapis.com storage.googleapis.com --project=my-project
gcloud services enable vision.googleapis.com --project=my-project
gcloud beta services identity create --service=pubsub.googleapis.com --project=my-project
gcloud beta services identity create --service=eventarc.googleapis.com --project=my-project

# roles/eventarc.serviceAgent on the project for gcp-sa-eventarc: Eventarc makes the triggers of ocr and record; in a
#   new project its account has no role yet.
gcloud projects add-iam-policy-binding my-project \
  --member="serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-eventarc.iam.gserviceaccount.com" \
  --role=roles/eventarc.serviceAgent --condition=None

# Firebase in the project: Hosting and the rules of Firestore belong to Firebase.
# looks: env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 projects:list --json --non-interactive
env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 projects:addfirebase my-project \
  --non-interactive

# Hosting site: A project that is new to Firebase has none; its name is part of the form's address.
# looks: env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 hosting:sites:list --project=my-project --json --non-interactive
# if that is refused: env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 hosting:sites:create "intake-${PROJECT_NUMBER}" --project=my-project --non-interactive
env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 hosting:sites:create my-project \
  --project=my-project --non-interactive

# The site's name.
SITE=$(env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 hosting:sites:list --project=my-project --json --non-interactive | python3 -c 'import json, sys; found = json.load(sys.stdin); sys.exit(found["error"]) if "error" in found else print(min(found["result"]["sites"], key=lambda site: site.get("type") != "DEFAULT_SITE")["name"].rpartition("/")[2])')

# The form's address.
SITE_URL=$(env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 hosting:sites:list --project=my-project --json --non-interactive | python3 -c 'import json, sys; found = json.load(sys.stdin); sys.exit(found["error"]) if "error" in found else print(min(found["result"]["sites"], key=lambda site: site.get("type") != "DEFAULT_SITE")["defaultUrl"])')

# web app GreenWatt Intake: Gives the page the key with which it listens to Firestore.
# looks: env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 apps:list WEB --project=my-project --json --non-interactive
env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 apps:create WEB 'GreenWatt Intake' \
  --project=my-project --non-interactive

# The project may have other web apps.
APP_ID=$(env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 apps:list WEB --project=my-project --json --non-interactive | python3 -c 'import json, sys; found = json.load(sys.stdin); sys.exit(found["error"]) if "error" in found else print(next(app["appId"] for app in found["result"] if app.get("displayName") == "GreenWatt Intake"))')

# App Check knows the key: The page gets its tokens for this reCAPTCHA key.
printf "Authorization: Bearer %s" "$(gcloud auth print-access-token)" | curl --fail-with-body --silent --show-error \
  --header @- --request=PATCH --header='Content-Type: application/json' --header='X-Goog-User-Project: my-project' \
  --data='{"siteKey": "6LcAbCdEfGhIjKlMnOpQr"}' \
  "https://firebaseappcheck.googleapis.com/v1/projects/${PROJECT_NUMBER}/apps/${APP_ID}/recaptchaEnterpriseConfig?updateMask=siteKey"

# === Service accounts ====================================================================================

# account intake-submit: Identity of what the function submit does; it has no key.
gcloud iam service-accounts create intake-submit --project=my-project --display-name='Intake: function submit'

# account intake-progress: Identity of what the function progress does; it has no key.
gcloud iam service-accounts create intake-progress --project=my-project --display-name='Intake: function progress'

# account intake-ocr: Identity of what the function ocr does; it has no key.
gcloud iam service-accounts create intake-ocr --project=my-project --display-name='Intake: function ocr'

# account intake-record: Identity of what the function record does; it has no key.
gcloud iam service-accounts create intake-record --project=my-project --display-name='Intake: function record'

# account intake-sweep: Identity of what the function sweep does; it has no key.
gcloud iam service-accounts create intake-sweep --project=my-project --display-name='Intake: function sweep'

# account intake-push: Identity of what delivers Pub/Sub messages to ocr and record; it has no key.
gcloud iam service-accounts create intake-push --project=my-project \
  --display-name='Intake: delivers Pub/Sub messages to ocr and record'

# account intake-clock: Identity of what calls sweep every minute; it has no key.
gcloud iam service-accounts create intake-clock --project=my-project \
  --display-name='Intake: calls sweep every minute'

# account intake-build: Identity of what builds the functions; it has no key.
gcloud iam service-accounts create intake-build --project=my-project --display-name='Intake: builds the functions'

# roles/iam.serviceAccountTokenCreator on account intake-push for gcp-sa-pubsub: Pub/Sub signs its deliveries as this
#   account; in projects from before April 2021 that has to be allowed.
gcloud iam service-accounts add-iam-policy-binding intake-push@my-project.iam.gserviceaccount.com \
  --project=my-project --member="serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com" \
  --role=roles/iam.serviceAccountTokenCreator

# === Building the functions ==============================================================================

# image repository intake: The functions' images, in a place of their own, so that the build may write there and
#   nowhere else.
gcloud artifacts repositories create intake --project=my-project --location=us-east4 --repository-format=docker

# roles/logging.logWriter on the project for intake-build: The build writes its log; Logging has roles on the project
#   only.
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-build@my-project.iam.gserviceaccount.com --role=roles/logging.logWriter \
  --condition=None

# roles/artifactregistry.writer on the images for intake-build: The build pushes the functions' images here.
gcloud artifacts repositories add-iam-policy-binding intake --project=my-project --location=us-east4 \
  --member=serviceAccount:intake-build@my-project.iam.gserviceaccount.com --role=roles/artifactregistry.writer

# roles/storage.objectViewer on the project for intake-build: The build reads the uploaded source; its bucket is made
#   by the first deployment, so the role is on the project with a condition that leaves out the bucket of the bills.
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-build@my-project.iam.gserviceaccount.com --role=roles/storage.objectViewer \
  --condition='expression=resource.name.startsWith("projects/_/buckets/gcf-v2-"),title=sources-of-functions'

# === Metrics =============================================================================================

# metric intake_oldest_s: Age of the oldest unfinished intake at each sweep, seconds; 0 when none is unfinished.
# if it is there: gcloud logging metrics update intake_oldest_s --project=my-project --config-from-file=infra/monitoring/metrics/intake_oldest_s.json
gcloud logging metrics create intake_oldest_s --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_oldest_s.json

# metric intake_page_budget: Submissions refused because the pages of the day are spent, and sweeps that found them
#   nearly spent.
# if it is there: gcloud logging metrics update intake_page_budget --project=my-project --config-from-file=infra/monitoring/metrics/intake_page_budget.json
gcloud logging metrics create intake_page_budget --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_page_budget.json

# metric intake_pages_day: Pages taken in during the last 24 hours, at each sweep.
# if it is there: gcloud logging metrics update intake_pages_day --project=my-project --config-from-file=infra/monitoring/metrics/intake_pages_day.json
gcloud logging metrics create intake_pages_day --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_pages_day.json

# metric intake_rows_due: Intakes that are read and whose row is not in the Sheet yet, at each sweep.
# if it is there: gcloud logging metrics update intake_rows_due --project=my-project --config-from-file=infra/monitoring/metrics/intake_rows_due.json
gcloud logging metrics create intake_rows_due --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_rows_due.json

# metric intake_rss_mb: Resident memory of a function's process when it wrote a log line, MiB.
# if it is there: gcloud logging metrics update intake_rss_mb --project=my-project --config-from-file=infra/monitoring/metrics/intake_rss_mb.json
gcloud logging metrics create intake_rss_mb --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_rss_mb.json

# metric intake_sheet_trouble: Times that the Sheet needs somebody of the office: a protected range, a full Sheet, no
#   access, a tab without a head, a row set aside.
# if it is there: gcloud logging metrics update intake_sheet_trouble --project=my-project --config-from-file=infra/monitoring/metrics/intake_sheet_trouble.json
gcloud logging metrics create intake_sheet_trouble --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_sheet_trouble.json

# metric intake_vision_quota: Pages that Vision refused for want of quota in spite of repeated tries.
# if it is there: gcloud logging metrics update intake_vision_quota --project=my-project --config-from-file=infra/monitoring/metrics/intake_vision_quota.json
gcloud logging metrics create intake_vision_quota --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_vision_quota.json

# === Storage =============================================================================================

# the bucket's lifecycle in .build: How long words and bills are kept, from infra/functions.toml.
python3 -m infra.gcp.stage lifecycle

# bucket my-project-bills: Bills and words; access by IAM only and never public; a retention policy would keep refused
#   files, so there is none.
# if it is there: gcloud storage buckets update gs://my-project-bills --project=my-project --uniform-bucket-level-access --public-access-prevention --lifecycle-file=.build/lifecycle.json --soft-delete-duration=7d --clear-retention-period
gcloud storage buckets create gs://my-project-bills --project=my-project --location=us-east4 \
  --uniform-bucket-level-access --public-access-prevention --soft-delete-duration=7d
gcloud storage buckets update gs://my-project-bills --project=my-project --uniform-bucket-level-access \
  --public-access-prevention --lifecycle-file=.build/lifecycle.json --soft-delete-duration=7d \
  --clear-retention-period

# Firestore database: The state of every intake; the page listens to Firestore, so it is in native mode, and protected
#   from deletion.
# if it is there: gcloud firestore databases update --project=my-project --database='(default)' --delete-protection
gcloud firestore databases create --project=my-project --database='(default)' --location=us-east4 \
  --type=firestore-native --delete-protection

# Firestore's rules and indexes in .build: infra/firebase.json with this deployment's site and region, and the files
#   that it names.
mkdir -p .build && cp infra/firestore.rules infra/firestore.indexes.json .build/
sed -e 's#"region": "[a-z0-9-]*"#"region": "us-east4"#; s#default-src '"'"'self'"'"'#default-src '"'"'self'"'"'; script-src '"'"'self'"'"' https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/; frame-src https://www.google.com/recaptcha/ https://recaptcha.google.com/recaptcha/#; s#connect-src '"'"'self'"'"'#connect-src '"'"'self'"'"' https://content-firebaseappcheck.googleapis.com https://www.google.com/recaptcha/#' -e "s#\"public\": \"../frontend/dist\"#\"site\": \"${SITE}\", \"public\": \"site\"#" infra/firebase.json > .build/firebase.json

# Firestore's rules, indexes and TTL: What a stranger may read; what sweep and submit ask for; finished progress
#   documents delete themselves.
env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 deploy --only=firestore \
  --project=my-project --config=.build/firebase.json --non-interactive

# secret intake-address-key: Client addresses are counted under a keyed hash, so that the database holds none of them.
head -c 32 /dev/urandom | base64 | gcloud secrets create intake-address-key --project=my-project \
  --replication-policy=user-managed --locations=us-east4 --data-file=-

# === Messages ============================================================================================

# topic ocr-requests: Carries the ids of intakes, never data.
gcloud pubsub topics create projects/my-project/topics/ocr-requests --project=my-project

# topic ocr-requests-dead: Takes what ocr-requests could not deliver.
gcloud pubsub topics create projects/my-project/topics/ocr-requests-dead --project=my-project

# subscription ocr-requests-dead: Without a subscription a dead-letter topic loses what it gets; `deploy.sh redrive`
#   reads this one.
# if it is there: gcloud pubsub subscriptions update projects/my-project/subscriptions/ocr-requests-dead --project=my-project --ack-deadline=600 --message-retention-duration=31d --expiration-period=never
gcloud pubsub subscriptions create projects/my-project/subscriptions/ocr-requests-dead --project=my-project \
  --topic=projects/my-project/topics/ocr-requests-dead --ack-deadline=600 --message-retention-duration=31d \
  --expiration-period=never

# topic sheet-requests: Carries the ids of intakes, never data.
gcloud pubsub topics create projects/my-project/topics/sheet-requests --project=my-project

# topic sheet-requests-dead: Takes what sheet-requests could not deliver.
gcloud pubsub topics create projects/my-project/topics/sheet-requests-dead --project=my-project

# subscription sheet-requests-dead: Without a subscription a dead-letter topic loses what it gets; `deploy.sh redrive`
#   reads this one.
# if it is there: gcloud pubsub subscriptions update projects/my-project/subscriptions/sheet-requests-dead --project=my-project --ack-deadline=600 --message-retention-duration=31d --expiration-period=never
gcloud pubsub subscriptions create projects/my-project/subscriptions/sheet-requests-dead --project=my-project \
  --topic=projects/my-project/topics/sheet-requests-dead --ack-deadline=600 --message-retention-duration=31d \
  --expiration-period=never

# === Permissions of the functions ========================================================================

# roles/storage.legacyBucketWriter on bucket my-project-bills for intake-submit: submit stores uploads, and lists and
#   deletes refused ones; it can read none.
gcloud storage buckets add-iam-policy-binding gs://my-project-bills --project=my-project \
  --member=serviceAccount:intake-submit@my-project.iam.gserviceaccount.com --role=roles/storage.legacyBucketWriter

# roles/storage.objectUser on bucket my-project-bills for intake-ocr: ocr reads bills, writes and lists words, deletes
#   the files of a refused intake.
gcloud storage buckets add-iam-policy-binding gs://my-project-bills --project=my-project \
  --member=serviceAccount:intake-ocr@my-project.iam.gserviceaccount.com --role=roles/storage.objectUser

# roles/storage.legacyBucketWriter on bucket my-project-bills for intake-sweep: sweep lists words, and deletes
#   abandoned uploads; it can read none.
gcloud storage buckets add-iam-policy-binding gs://my-project-bills --project=my-project \
  --member=serviceAccount:intake-sweep@my-project.iam.gserviceaccount.com --role=roles/storage.legacyBucketWriter

# roles/storage.objectViewer on bucket my-project-bills for intake-record: record copies bills into the Drive folder,
#   so it reads them.
gcloud storage buckets add-iam-policy-binding gs://my-project-bills --project=my-project \
  --member=serviceAccount:intake-record@my-project.iam.gserviceaccount.com --role=roles/storage.objectViewer

# roles/datastore.user on the project for intake-submit: submit creates intakes; Firestore has roles on the project
#   only.
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-submit@my-project.iam.gserviceaccount.com --role=roles/datastore.user \
  --condition=None

# roles/datastore.viewer on the project for intake-progress: progress reads progress and intakes, writes nothing;
#   Firestore has roles on the project only.
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-progress@my-project.iam.gserviceaccount.com --role=roles/datastore.viewer \
  --condition=None

# roles/datastore.user on the project for intake-ocr: ocr claims chunks and advances intakes; Firestore has roles on
#   the project only.
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-ocr@my-project.iam.gserviceaccount.com --role=roles/datastore.user --condition=None

# roles/datastore.user on the project for intake-record: record takes the Sheet's turn and marks intakes recorded;
#   Firestore has roles on the project only.
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-record@my-project.iam.gserviceaccount.com --role=roles/datastore.user \
  --condition=None

# roles/datastore.user on the project for intake-sweep: sweep finds what stopped and ends what cannot go on; Firestore
#   has roles on the project only.
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-sweep@my-project.iam.gserviceaccount.com --role=roles/datastore.user \
  --condition=None

# roles/pubsub.publisher on topic ocr-requests for intake-submit: submit wakes ocr for a new intake, and when the form
#   is opened.
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/ocr-requests --project=my-project \
  --member=serviceAccount:intake-submit@my-project.iam.gserviceaccount.com --role=roles/pubsub.publisher

# roles/pubsub.publisher on topic ocr-requests for intake-ocr: ocr wakes the other chunks of a long bill.
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/ocr-requests --project=my-project \
  --member=serviceAccount:intake-ocr@my-project.iam.gserviceaccount.com --role=roles/pubsub.publisher

# roles/pubsub.publisher on topic sheet-requests for intake-ocr: ocr wakes record when a bill is read.
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/sheet-requests --project=my-project \
  --member=serviceAccount:intake-ocr@my-project.iam.gserviceaccount.com --role=roles/pubsub.publisher

# roles/pubsub.publisher on topic ocr-requests for intake-sweep: sweep wakes what stopped while it was read.
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/ocr-requests --project=my-project \
  --member=serviceAccount:intake-sweep@my-project.iam.gserviceaccount.com --role=roles/pubsub.publisher

# roles/pubsub.publisher on topic sheet-requests for intake-sweep: sweep wakes what stopped before its row was
#   written.
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/sheet-requests --project=my-project \
  --member=serviceAccount:intake-sweep@my-project.iam.gserviceaccount.com --role=roles/pubsub.publisher

# roles/secretmanager.secretAccessor on secret intake-address-key for intake-submit: submit hashes client addresses
#   with it; no other function can read it.
gcloud secrets add-iam-policy-binding intake-address-key --project=my-project \
  --member=serviceAccount:intake-submit@my-project.iam.gserviceaccount.com --role=roles/secretmanager.secretAccessor

# === Functions, and who may call them ====================================================================

# the source in .build/source: functions/ and requirements.txt side by side, as the build wants them.
rm -rf .build/source && mkdir -p .build && cp -r functions .build/source && cp requirements.txt .build/source/

# function submit: Called by anybody, through Hosting, at most 8 at a time in 256 MiB for 60 s, on at most 10
#   instances; infra/functions.toml has the reason of each number.
# looks: gcloud functions describe submit --gen2 --project=my-project --region=us-east4 --format=json
gcloud functions deploy submit --gen2 --project=my-project --region=us-east4 --runtime=python311 \
  --source=.build/source --entry-point=submit --memory=256Mi --cpu=1 --timeout=60s --concurrency=8 --min-instances=0 \
  --max-instances=10 --service-account=intake-submit@my-project.iam.gserviceaccount.com \
  --build-service-account=projects/my-project/serviceAccounts/intake-build@my-project.iam.gserviceaccount.com \
  --docker-repository=projects/my-project/locations/us-east4/repositories/intake --ingress-settings=all \
  --serve-all-traffic-latest-revision --update-labels=intake-source=0000000000000000000000000000000000000000 \
  --trigger-http \
  --set-env-vars="GOOGLE_CLOUD_PROJECT=my-project,BILLS_BUCKET=my-project-bills,OCR_TOPIC=ocr-requests,SHEET_TOPIC=sheet-requests,THREADS=8,PAGES_PER_DAY=5000,SUBMISSIONS_PER_HOUR=60,SUBMISSIONS_PER_HOUR_PEER=600,APP_CHECK_PROJECT=${PROJECT_NUMBER},APP_CHECK_KEY=6LcAbCdEfGhIjKlMnOpQr" \
  --set-secrets=ADDRESS_KEY=intake-address-key:latest

# roles/run.invoker on service submit for allUsers: Hosting sends agents' requests on to submit without an identity.
# if that is refused: gcloud run services update submit --project=my-project --region=us-east4 --no-invoker-iam-check
gcloud run services add-iam-policy-binding submit --project=my-project --region=us-east4 --member=allUsers \
  --role=roles/run.invoker

# submit runs in generation 1: Decided for each function in infra/functions.toml; a deployment of the function may
#   undo it.
# looks: gcloud run services describe submit --project=my-project --region=us-east4 --format=json
gcloud run services update submit --project=my-project --region=us-east4 --execution-environment=gen1

# function progress: Called by anybody, through Hosting, at most 40 at a time in 256 MiB for 30 s, on at most 3
#   instances; infra/functions.toml has the reason of each number.
# looks: gcloud functions describe progress --gen2 --project=my-project --region=us-east4 --format=json
gcloud functions deploy progress --gen2 --project=my-project --region=us-east4 --runtime=python311 \
  --source=.build/source --entry-point=progress --memory=256Mi --cpu=1 --timeout=30s --concurrency=40 \
  --min-instances=0 --max-instances=3 --service-account=intake-progress@my-project.iam.gserviceaccount.com \
  --build-service-account=projects/my-project/serviceAccounts/intake-build@my-project.iam.gserviceaccount.com \
  --docker-repository=projects/my-project/locations/us-east4/repositories/intake --ingress-settings=all \
  --serve-all-traffic-latest-revision --update-labels=intake-source=0000000000000000000000000000000000000000 \
  --trigger-http \
  --set-env-vars=GOOGLE_CLOUD_PROJECT=my-project,BILLS_BUCKET=my-project-bills,OCR_TOPIC=ocr-requests,SHEET_TOPIC=sheet-requests,THREADS=40

# roles/run.invoker on service progress for allUsers: Hosting sends agents' requests on to progress without an
#   identity.
# if that is refused: gcloud run services update progress --project=my-project --region=us-east4 --no-invoker-iam-check
gcloud run services add-iam-policy-binding progress --project=my-project --region=us-east4 --member=allUsers \
  --role=roles/run.invoker

# progress runs in generation 1: Decided for each function in infra/functions.toml; a deployment of the function may
#   undo it.
# looks: gcloud run services describe progress --project=my-project --region=us-east4 --format=json
gcloud run services update progress --project=my-project --region=us-east4 --execution-environment=gen1

# function ocr: Called by our own service accounts, from inside Google Cloud, at most 1 at a time in 512 MiB for 540
#   s, on at most 20 instances; infra/functions.toml has the reason of each number.
# looks: gcloud functions describe ocr --gen2 --project=my-project --region=us-east4 --format=json
gcloud functions deploy ocr --gen2 --project=my-project --region=us-east4 --runtime=python311 --source=.build/source \
  --entry-point=ocr --memory=512Mi --cpu=1 --timeout=540s --concurrency=1 --min-instances=0 --max-instances=20 \
  --service-account=intake-ocr@my-project.iam.gserviceaccount.com \
  --build-service-account=projects/my-project/serviceAccounts/intake-build@my-project.iam.gserviceaccount.com \
  --docker-repository=projects/my-project/locations/us-east4/repositories/intake --ingress-settings=internal-only \
  --no-allow-unauthenticated --serve-all-traffic-latest-revision \
  --update-labels=intake-source=0000000000000000000000000000000000000000 --trigger-topic=ocr-requests \
  --trigger-service-account=intake-push@my-project.iam.gserviceaccount.com --retry \
  --set-env-vars=GOOGLE_CLOUD_PROJECT=my-project,BILLS_BUCKET=my-project-bills,OCR_TOPIC=ocr-requests,SHEET_TOPIC=sheet-requests,THREADS=2,PAGES_PER_DAY=5000,MALLOC_MMAP_THRESHOLD_=262144,MALLOC_TRIM_THRESHOLD_=1048576,MALLOC_ARENA_MAX=2

# roles/run.invoker on service ocr for intake-push: Nobody but this account may call ocr.
gcloud run services add-iam-policy-binding ocr --project=my-project --region=us-east4 \
  --member=serviceAccount:intake-push@my-project.iam.gserviceaccount.com --role=roles/run.invoker

# ocr runs in generation 2: Decided for each function in infra/functions.toml; a deployment of the function may undo
#   it.
# looks: gcloud run services describe ocr --project=my-project --region=us-east4 --format=json
gcloud run services update ocr --project=my-project --region=us-east4 --execution-environment=gen2

# function record: Called by our own service accounts, from inside Google Cloud, at most 80 at a time in 256 MiB for
#   300 s, on at most 1 instances; infra/functions.toml has the reason of each number.
# looks: gcloud functions describe record --gen2 --project=my-project --region=us-east4 --format=json
gcloud functions deploy record --gen2 --project=my-project --region=us-east4 --runtime=python311 \
  --source=.build/source --entry-point=record --memory=256Mi --cpu=1 --timeout=300s --concurrency=80 \
  --min-instances=0 --max-instances=1 --service-account=intake-record@my-project.iam.gserviceaccount.com \
  --build-service-account=projects/my-project/serviceAccounts/intake-build@my-project.iam.gserviceaccount.com \
  --docker-repository=projects/my-project/locations/us-east4/repositories/intake --ingress-settings=internal-only \
  --no-allow-unauthenticated --serve-all-traffic-latest-revision \
  --update-labels=intake-source=0000000000000000000000000000000000000000 --trigger-topic=sheet-requests \
  --trigger-service-account=intake-push@my-project.iam.gserviceaccount.com --retry \
  --set-env-vars=GOOGLE_CLOUD_PROJECT=my-project,BILLS_BUCKET=my-project-bills,OCR_TOPIC=ocr-requests,SHEET_TOPIC=sheet-requests,THREADS=80,SHEET_ID=1aBcDeFgHiJkLmNoPqRsTuVwXyZ,DRIVE_FOLDER=0AbCdEfGhIjKlMn

# roles/run.invoker on service record for intake-push: Nobody but this account may call record.
gcloud run services add-iam-policy-binding record --project=my-project --region=us-east4 \
  --member=serviceAccount:intake-push@my-project.iam.gserviceaccount.com --role=roles/run.invoker

# record runs in generation 1: Decided for each function in infra/functions.toml; a deployment of the function may
#   undo it.
# looks: gcloud run services describe record --project=my-project --region=us-east4 --format=json
gcloud run services update record --project=my-project --region=us-east4 --execution-environment=gen1

# function sweep: Called by our own service accounts, from inside Google Cloud, at most 1 at a time in 256 MiB for 300
#   s, on at most 1 instances; infra/functions.toml has the reason of each number.
# looks: gcloud functions describe sweep --gen2 --project=my-project --region=us-east4 --format=json
gcloud functions deploy sweep --gen2 --project=my-project --region=us-east4 --runtime=python311 \
  --source=.build/source --entry-point=sweep --memory=256Mi --cpu=1 --timeout=300s --concurrency=1 --min-instances=0 \
  --max-instances=1 --service-account=intake-sweep@my-project.iam.gserviceaccount.com \
  --build-service-account=projects/my-project/serviceAccounts/intake-build@my-project.iam.gserviceaccount.com \
  --docker-repository=projects/my-project/locations/us-east4/repositories/intake --ingress-settings=internal-only \
  --no-allow-unauthenticated --serve-all-traffic-latest-revision \
  --update-labels=intake-source=0000000000000000000000000000000000000000 --trigger-http \
  --set-env-vars=GOOGLE_CLOUD_PROJECT=my-project,BILLS_BUCKET=my-project-bills,OCR_TOPIC=ocr-requests,SHEET_TOPIC=sheet-requests,THREADS=2,SHEET_ID=1aBcDeFgHiJkLmNoPqRsTuVwXyZ,DRIVE_FOLDER=0AbCdEfGhIjKlMn

# roles/run.invoker on service sweep for intake-clock: Nobody but this account may call sweep.
gcloud run services add-iam-policy-binding sweep --project=my-project --region=us-east4 \
  --member=serviceAccount:intake-clock@my-project.iam.gserviceaccount.com --role=roles/run.invoker

# sweep runs in generation 1: Decided for each function in infra/functions.toml; a deployment of the function may undo
#   it.
# looks: gcloud run services describe sweep --project=my-project --region=us-east4 --format=json
gcloud run services update sweep --project=my-project --region=us-east4 --execution-environment=gen1

# === Delivery and dead letters ===========================================================================

# The Eventarc trigger that the deployment of ocr made.
OCR_TRIGGER=$(gcloud functions describe ocr --gen2 --project=my-project --region=us-east4 --format='value(eventTrigger.trigger)')

# The subscription behind it, which comes without dead letters.
OCR_SUBSCRIPTION=$(gcloud eventarc triggers describe "${OCR_TRIGGER}" --project=my-project --format='value(transport.pubsub.subscription)')

# The Eventarc trigger that the deployment of record made.
SHEET_TRIGGER=$(gcloud functions describe record --gen2 --project=my-project --region=us-east4 --format='value(eventTrigger.trigger)')

# The subscription behind it, which comes without dead letters.
SHEET_SUBSCRIPTION=$(gcloud eventarc triggers describe "${SHEET_TRIGGER}" --project=my-project --format='value(transport.pubsub.subscription)')

# roles/pubsub.publisher on topic ocr-requests-dead for gcp-sa-pubsub: Pub/Sub puts messages here whose last delivery
#   attempt has failed.
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/ocr-requests-dead --project=my-project \
  --member="serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com" \
  --role=roles/pubsub.publisher

# roles/pubsub.subscriber on subscription of ocr-requests for gcp-sa-pubsub: Pub/Sub takes a message off it when it
#   goes to the dead letters.
gcloud pubsub subscriptions add-iam-policy-binding "${OCR_SUBSCRIPTION}" --project=my-project \
  --member="serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com" \
  --role=roles/pubsub.subscriber

# roles/pubsub.publisher on topic sheet-requests-dead for gcp-sa-pubsub: Pub/Sub puts messages here whose last
#   delivery attempt has failed.
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/sheet-requests-dead --project=my-project \
  --member="serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com" \
  --role=roles/pubsub.publisher

# roles/pubsub.subscriber on subscription of sheet-requests for gcp-sa-pubsub: Pub/Sub takes a message off it when it
#   goes to the dead letters.
gcloud pubsub subscriptions add-iam-policy-binding "${SHEET_SUBSCRIPTION}" --project=my-project \
  --member="serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com" \
  --role=roles/pubsub.subscriber

# delivery to ocr: A run may take 540 s; what fails is tried again later and later, then goes to the dead letters.
gcloud pubsub subscriptions update "${OCR_SUBSCRIPTION}" --project=my-project --ack-deadline=600 \
  --min-retry-delay=10s --max-retry-delay=600s --dead-letter-topic=projects/my-project/topics/ocr-requests-dead \
  --max-delivery-attempts=10 --message-retention-duration=7d --expiration-period=never

# delivery to record: A run may take 300 s; what fails is tried again later and later, then goes to the dead letters.
gcloud pubsub subscriptions update "${SHEET_SUBSCRIPTION}" --project=my-project --ack-deadline=600 \
  --min-retry-delay=10s --max-retry-delay=600s --dead-letter-topic=projects/my-project/topics/sheet-requests-dead \
  --max-delivery-attempts=10 --message-retention-duration=7d --expiration-period=never

# === The clock ===========================================================================================

# The address of sweep, which is also what the clock's token is made out to.
SWEEP_URL=$(gcloud functions describe sweep --gen2 --project=my-project --region=us-east4 --format='value(serviceConfig.uri)')

# scheduler job intake-sweep: What stopped goes on within minutes; a call that fails is not repeated, for the next one
#   is a minute away.
# if it is there: gcloud scheduler jobs update http intake-sweep --project=my-project --location=us-east4 --schedule='* * * * *' --uri="${SWEEP_URL}" --http-method=POST --oidc-service-account-email=intake-clock@my-project.iam.gserviceaccount.com --oidc-token-audience="${SWEEP_URL}" --attempt-deadline=320s
gcloud scheduler jobs create http intake-sweep --project=my-project --location=us-east4 --schedule='* * * * *' \
  --uri="${SWEEP_URL}" --http-method=POST \
  --oidc-service-account-email=intake-clock@my-project.iam.gserviceaccount.com --oidc-token-audience="${SWEEP_URL}" \
  --attempt-deadline=320s

# the clock runs: A job that was paused by hand goes on.
# looks: gcloud scheduler jobs describe intake-sweep --project=my-project --location=us-east4 --format=json
gcloud scheduler jobs resume intake-sweep --project=my-project --location=us-east4

# === The site ============================================================================================

# the site in .build/site: The built page and the config that it reads.
npm ci --prefix frontend && npm run build --prefix frontend
rm -rf .build/site && cp -r frontend/dist .build/site
env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 apps:sdkconfig WEB "${APP_ID}" --project=my-project --json --non-interactive |
  python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["result"]["sdkConfig"]))' > .build/site/firebase-config.json

# the site: The agents' form with its headers and the way to submit and progress.
# looks: curl --fail --silent --show-error "${SITE_URL}/build.json"
env GOOGLE_CLOUD_QUOTA_PROJECT=my-project npx --yes firebase-tools@15.34.2 deploy --only=hosting \
  --project=my-project --config=.build/firebase.json --non-interactive

# === Monitoring ==========================================================================================

# A change of the dashboard has to name it.
DASHBOARD_ETAG=$(gcloud monitoring dashboards list --project=my-project --filter='displayName="GreenWatt Intake"' --limit=1 --format='value(etag)')

# alerts and dashboard in .build/monitoring: The files of infra/monitoring, each with a label that says which version
#   it is.
python3 -m infra.gcp.stage monitoring "${DASHBOARD_ETAG}"

# notifications to ops@example.com: Somebody has to be told.
# looks: gcloud beta monitoring channels list --project=my-project --format=json
# if it is there: gcloud beta monitoring channels update "${FOUND}" --project=my-project --update-channel-labels=email_address=ops@example.com
gcloud beta monitoring channels create --project=my-project --display-name='GreenWatt Intake' --type=email \
  --channel-labels=email_address=ops@example.com

# Who is told; a run that is given no address keeps it.
ALERT_CHANNEL=$(gcloud beta monitoring channels list --project=my-project --filter='displayName="GreenWatt Intake"' --limit=1 --format='value(name)')

# alert dead letters: infra/monitoring/alerts/dead_letters.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it is there: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/dead_letters.json --set-notification-channels="${HELD}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/dead_letters.json --notification-channels="${ALERT_CHANNEL}"

# alert memory over 80 %: infra/monitoring/alerts/memory.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it is there: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/memory.json --set-notification-channels="${HELD}"
gcloud alpha monitoring policies create --project=my-project --policy-from-file=.build/monitoring/alerts/memory.json \
  --notification-channels="${ALERT_CHANNEL}"

# alert a bill waits for more than 10 minutes: infra/monitoring/alerts/oldest_unfinished.json says what to do when it
#   comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it is there: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/oldest_unfinished.json --set-notification-channels="${HELD}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/oldest_unfinished.json --notification-channels="${ALERT_CHANNEL}"

# alert the page budget of the day: infra/monitoring/alerts/page_budget.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it is there: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/page_budget.json --set-notification-channels="${HELD}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/page_budget.json --notification-channels="${ALERT_CHANNEL}"

# alert more than 5 % server errors: infra/monitoring/alerts/server_errors.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it is there: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/server_errors.json --set-notification-channels="${HELD}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/server_errors.json --notification-channels="${ALERT_CHANNEL}"

# alert rows wait for the Sheet: infra/monitoring/alerts/sheet_backlog.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it is there: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/sheet_backlog.json --set-notification-channels="${HELD}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/sheet_backlog.json --notification-channels="${ALERT_CHANNEL}"

# alert the Sheet needs the office: infra/monitoring/alerts/sheet_trouble.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it is there: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/sheet_trouble.json --set-notification-channels="${HELD}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/sheet_trouble.json --notification-channels="${ALERT_CHANNEL}"

# alert Vision is over its quota: infra/monitoring/alerts/vision_quota.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it is there: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/vision_quota.json --set-notification-channels="${HELD}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/vision_quota.json --notification-channels="${ALERT_CHANNEL}"

# dashboard GreenWatt Intake: Requests, errors, durations, memory, backlog and pages on one page.
# looks: gcloud monitoring dashboards list --project=my-project --format=json
# if it is there: gcloud monitoring dashboards update "${FOUND}" --project=my-project --config-from-file=.build/monitoring/dashboard.json
gcloud monitoring dashboards create --project=my-project --config-from-file=.build/monitoring/dashboard.json

echo "The form is at ${SITE_URL}"
