#!/usr/bin/env bash
# GreenWatt Intake in project my-project, us-east4.
# Nothing below has been run. `looks:` is asked first; what is there as wanted is left alone. `if it differs:` is run
#   instead of the command below it when the thing is there but not as wanted; FOUND is the name that Google gave it.
set -euo pipefail

# === Project =============================================================================================

# Google's own accounts in the project are named by its number.
PROJECT_NUMBER=$(gcloud projects describe my-project --format='value(projectNumber)')

# APIs: The products that are used.
# looks: gcloud services list --enabled --project=my-project --format=json
gcloud services enable artifactregistry.googleapis.com cloudbuild.googleapis.com cloudfunctions.googleapis.com \
  cloudscheduler.googleapis.com eventarc.googleapis.com firebase.googleapis.com firebasehosting.googleapis.com \
  firebaserules.googleapis.com firestore.googleapis.com iam.googleapis.com logging.googleapis.com \
  monitoring.googleapis.com pubsub.googleapis.com run.googleapis.com secretmanager.googleapis.com \
  sheets.googleapis.com storage.googleapis.com vision.googleapis.com drive.googleapis.com \
  firebaseappcheck.googleapis.com --project=my-project
gcloud beta services identity create --service=pubsub.googleapis.com --project=my-project
gcloud beta services identity create --service=eventarc.googleapis.com --project=my-project

# Firebase in the project: Hosting and the rules of Firestore belong to Firebase.
# looks: npx --yes firebase-tools@15.34.2 projects:list --json --non-interactive
npx --yes firebase-tools@15.34.2 projects:addfirebase my-project --non-interactive

# === Service accounts ====================================================================================

# account intake-submit: Identity of what the function submit does; it has no key.
# looks: gcloud iam service-accounts list --project=my-project --format=json
gcloud iam service-accounts create intake-submit --project=my-project --display-name='Intake: function submit'

# account intake-progress: Identity of what the function progress does; it has no key.
# looks: gcloud iam service-accounts list --project=my-project --format=json
gcloud iam service-accounts create intake-progress --project=my-project --display-name='Intake: function progress'

# account intake-ocr: Identity of what the function ocr does; it has no key.
# looks: gcloud iam service-accounts list --project=my-project --format=json
gcloud iam service-accounts create intake-ocr --project=my-project --display-name='Intake: function ocr'

# account intake-record: Identity of what the function record does; it has no key.
# looks: gcloud iam service-accounts list --project=my-project --format=json
gcloud iam service-accounts create intake-record --project=my-project --display-name='Intake: function record'

# account intake-sweep: Identity of what the function sweep does; it has no key.
# looks: gcloud iam service-accounts list --project=my-project --format=json
gcloud iam service-accounts create intake-sweep --project=my-project --display-name='Intake: function sweep'

# account intake-push: Identity of what delivers Pub/Sub messages to ocr and record; it has no key.
# looks: gcloud iam service-accounts list --project=my-project --format=json
gcloud iam service-accounts create intake-push --project=my-project \
  --display-name='Intake: delivers Pub/Sub messages to ocr and record'

# account intake-clock: Identity of what calls sweep every minute; it has no key.
# looks: gcloud iam service-accounts list --project=my-project --format=json
gcloud iam service-accounts create intake-clock --project=my-project \
  --display-name='Intake: calls sweep every minute'

# account intake-build: Identity of what builds the functions; it has no key.
# looks: gcloud iam service-accounts list --project=my-project --format=json
gcloud iam service-accounts create intake-build --project=my-project --display-name='Intake: builds the functions'

# roles/iam.serviceAccountTokenCreator on account intake-push for service-${PROJECT_NUMBER}: Pub/Sub signs its
#   deliveries as this account; in projects from before April 2021 that has to be allowed.
# looks: gcloud iam service-accounts get-iam-policy intake-push@my-project.iam.gserviceaccount.com --project=my-project --format=json
gcloud iam service-accounts add-iam-policy-binding intake-push@my-project.iam.gserviceaccount.com \
  --project=my-project --member="serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com" \
  --role=roles/iam.serviceAccountTokenCreator

# === Storage =============================================================================================

# the bucket's lifecycle in .build: How long words and bills are kept, from infra/functions.toml.
python3 -m infra.gcp.stage lifecycle

# bucket my-project-bills: Bills and words; access by IAM only and never public; a retention policy would keep refused
#   files, so there is none.
# looks: gcloud storage buckets describe gs://my-project-bills --project=my-project --format=json --raw
# if it differs: gcloud storage buckets update gs://my-project-bills --project=my-project --uniform-bucket-level-access --public-access-prevention --lifecycle-file=.build/lifecycle.json --soft-delete-duration=7d --clear-retention-period
gcloud storage buckets create gs://my-project-bills --project=my-project --location=us-east4 \
  --uniform-bucket-level-access --public-access-prevention --soft-delete-duration=7d
gcloud storage buckets update gs://my-project-bills --project=my-project --uniform-bucket-level-access \
  --public-access-prevention --lifecycle-file=.build/lifecycle.json --soft-delete-duration=7d \
  --clear-retention-period

# Firestore database: The state of every intake; the page listens to Firestore, so it is in native mode, and protected
#   from deletion.
# looks: gcloud firestore databases describe --project=my-project --database='(default)' --format=json
# if it differs: gcloud firestore databases update --project=my-project --database='(default)' --delete-protection
gcloud firestore databases create --project=my-project --database='(default)' --location=us-east4 \
  --type=firestore-native --delete-protection

# TTL on progress.expire_at: Firestore deletes a finished progress document by itself; an unfinished one has no
#   expire_at.
# looks: gcloud firestore fields ttls list --project=my-project --database='(default)' --collection-group=progress --format=json
gcloud firestore fields ttls update expire_at --project=my-project --database='(default)' \
  --collection-group=progress --enable-ttl --async

# index intakes(status, submitted_at): Sweep asks for the oldest unfinished intake.
# looks: gcloud firestore indexes composite list --project=my-project --database='(default)' --format=json
gcloud firestore indexes composite create --project=my-project --database='(default)' --collection-group=intakes \
  --query-scope=collection --field-config=field-path=status,order=ascending \
  --field-config=field-path=submitted_at,order=ascending --async

# index intakes(client, submitted_at): Submit counts the submissions of one client address within an hour.
# looks: gcloud firestore indexes composite list --project=my-project --database='(default)' --format=json
gcloud firestore indexes composite create --project=my-project --database='(default)' --collection-group=intakes \
  --query-scope=collection --field-config=field-path=client,order=ascending \
  --field-config=field-path=submitted_at,order=ascending --async

# index intakes(peer, submitted_at): Submit counts the submissions through one proxy within an hour.
# looks: gcloud firestore indexes composite list --project=my-project --database='(default)' --format=json
gcloud firestore indexes composite create --project=my-project --database='(default)' --collection-group=intakes \
  --query-scope=collection --field-config=field-path=peer,order=ascending \
  --field-config=field-path=submitted_at,order=ascending --async

# index intakes(submitted_at, pages): Submit adds up the pages of the last 24 hours.
# looks: gcloud firestore indexes composite list --project=my-project --database='(default)' --format=json
gcloud firestore indexes composite create --project=my-project --database='(default)' --collection-group=intakes \
  --query-scope=collection --field-config=field-path=submitted_at,order=ascending \
  --field-config=field-path=pages,order=ascending --async

# no index on intakes.reading: Nothing searches it, and an index on each of its parts would cost storage.
# looks: gcloud firestore indexes fields describe reading --project=my-project --database='(default)' --collection-group=intakes --format=json
gcloud firestore indexes fields update reading --project=my-project --database='(default)' \
  --collection-group=intakes --disable-indexes --async

# no index on intakes.form: Nothing searches it, and an index on each of its parts would cost storage.
# looks: gcloud firestore indexes fields describe form --project=my-project --database='(default)' --collection-group=intakes --format=json
gcloud firestore indexes fields update form --project=my-project --database='(default)' --collection-group=intakes \
  --disable-indexes --async

# no index on intakes.files: Nothing searches it, and an index on each of its parts would cost storage.
# looks: gcloud firestore indexes fields describe files --project=my-project --database='(default)' --collection-group=intakes --format=json
gcloud firestore indexes fields update files --project=my-project --database='(default)' --collection-group=intakes \
  --disable-indexes --async

# no index on intakes.attention: Nothing searches it, and an index on each of its parts would cost storage.
# looks: gcloud firestore indexes fields describe attention --project=my-project --database='(default)' --collection-group=intakes --format=json
gcloud firestore indexes fields update attention --project=my-project --database='(default)' \
  --collection-group=intakes --disable-indexes --async

# no index on progress.fields: Nothing searches it, and an index on each of its parts would cost storage.
# looks: gcloud firestore indexes fields describe fields --project=my-project --database='(default)' --collection-group=progress --format=json
gcloud firestore indexes fields update fields --project=my-project --database='(default)' \
  --collection-group=progress --disable-indexes --async

# no index on progress.attention: Nothing searches it, and an index on each of its parts would cost storage.
# looks: gcloud firestore indexes fields describe attention --project=my-project --database='(default)' --collection-group=progress --format=json
gcloud firestore indexes fields update attention --project=my-project --database='(default)' \
  --collection-group=progress --disable-indexes --async

# secret intake-address-key: Client addresses are counted under a keyed hash, so that the database holds none of them.
# looks: gcloud secrets describe intake-address-key --project=my-project --format=json
head -c 32 /dev/urandom | base64 | gcloud secrets create intake-address-key --project=my-project \
  --replication-policy=user-managed --locations=us-east4 --data-file=-

# === Messages ============================================================================================

# topic ocr-requests: Carries the ids of intakes, never data.
# looks: gcloud pubsub topics describe projects/my-project/topics/ocr-requests --project=my-project --format=json
gcloud pubsub topics create projects/my-project/topics/ocr-requests --project=my-project

# topic ocr-requests-dead: Takes what ocr-requests could not deliver.
# looks: gcloud pubsub topics describe projects/my-project/topics/ocr-requests-dead --project=my-project --format=json
gcloud pubsub topics create projects/my-project/topics/ocr-requests-dead --project=my-project

# subscription ocr-requests-dead: Without a subscription a dead-letter topic loses what it gets; `deploy.sh redrive`
#   reads this one.
# looks: gcloud pubsub subscriptions describe projects/my-project/subscriptions/ocr-requests-dead --project=my-project --format=json
gcloud pubsub subscriptions create projects/my-project/subscriptions/ocr-requests-dead \
  --topic=projects/my-project/topics/ocr-requests-dead --project=my-project --ack-deadline=600 \
  --message-retention-duration=31d --expiration-period=never

# topic sheet-requests: Carries the ids of intakes, never data.
# looks: gcloud pubsub topics describe projects/my-project/topics/sheet-requests --project=my-project --format=json
gcloud pubsub topics create projects/my-project/topics/sheet-requests --project=my-project

# topic sheet-requests-dead: Takes what sheet-requests could not deliver.
# looks: gcloud pubsub topics describe projects/my-project/topics/sheet-requests-dead --project=my-project --format=json
gcloud pubsub topics create projects/my-project/topics/sheet-requests-dead --project=my-project

# subscription sheet-requests-dead: Without a subscription a dead-letter topic loses what it gets; `deploy.sh redrive`
#   reads this one.
# looks: gcloud pubsub subscriptions describe projects/my-project/subscriptions/sheet-requests-dead --project=my-project --format=json
gcloud pubsub subscriptions create projects/my-project/subscriptions/sheet-requests-dead \
  --topic=projects/my-project/topics/sheet-requests-dead --project=my-project --ack-deadline=600 \
  --message-retention-duration=31d --expiration-period=never

# === Permissions of the functions ========================================================================

# roles/storage.legacyBucketWriter on bucket my-project-bills for intake-submit: submit stores uploads, and lists and
#   deletes refused ones; it can read none.
# looks: gcloud storage buckets get-iam-policy gs://my-project-bills --project=my-project --format=json
gcloud storage buckets add-iam-policy-binding gs://my-project-bills --project=my-project \
  --member=serviceAccount:intake-submit@my-project.iam.gserviceaccount.com --role=roles/storage.legacyBucketWriter

# roles/storage.objectUser on bucket my-project-bills for intake-ocr: ocr reads bills, writes and lists words, deletes
#   the files of a refused intake.
# looks: gcloud storage buckets get-iam-policy gs://my-project-bills --project=my-project --format=json
gcloud storage buckets add-iam-policy-binding gs://my-project-bills --project=my-project \
  --member=serviceAccount:intake-ocr@my-project.iam.gserviceaccount.com --role=roles/storage.objectUser

# roles/storage.legacyBucketWriter on bucket my-project-bills for intake-sweep: sweep lists words, and deletes
#   abandoned uploads; it can read none.
# looks: gcloud storage buckets get-iam-policy gs://my-project-bills --project=my-project --format=json
gcloud storage buckets add-iam-policy-binding gs://my-project-bills --project=my-project \
  --member=serviceAccount:intake-sweep@my-project.iam.gserviceaccount.com --role=roles/storage.legacyBucketWriter

# roles/storage.objectViewer on bucket my-project-bills for intake-record: record copies bills into the Drive folder,
#   so it reads them.
# looks: gcloud storage buckets get-iam-policy gs://my-project-bills --project=my-project --format=json
gcloud storage buckets add-iam-policy-binding gs://my-project-bills --project=my-project \
  --member=serviceAccount:intake-record@my-project.iam.gserviceaccount.com --role=roles/storage.objectViewer

# roles/datastore.user on the project for intake-submit: submit creates intakes; Firestore has roles on the project
#   only.
# looks: gcloud projects get-iam-policy my-project --format=json
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-submit@my-project.iam.gserviceaccount.com --role=roles/datastore.user \
  --condition=None

# roles/datastore.viewer on the project for intake-progress: progress reads progress and intakes, writes nothing;
#   Firestore has roles on the project only.
# looks: gcloud projects get-iam-policy my-project --format=json
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-progress@my-project.iam.gserviceaccount.com --role=roles/datastore.viewer \
  --condition=None

# roles/datastore.user on the project for intake-ocr: ocr claims chunks and advances intakes; Firestore has roles on
#   the project only.
# looks: gcloud projects get-iam-policy my-project --format=json
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-ocr@my-project.iam.gserviceaccount.com --role=roles/datastore.user --condition=None

# roles/datastore.user on the project for intake-record: record takes the Sheet's turn and marks intakes recorded;
#   Firestore has roles on the project only.
# looks: gcloud projects get-iam-policy my-project --format=json
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-record@my-project.iam.gserviceaccount.com --role=roles/datastore.user \
  --condition=None

# roles/datastore.user on the project for intake-sweep: sweep finds what stopped and ends what cannot go on; Firestore
#   has roles on the project only.
# looks: gcloud projects get-iam-policy my-project --format=json
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-sweep@my-project.iam.gserviceaccount.com --role=roles/datastore.user \
  --condition=None

# roles/pubsub.publisher on topic ocr-requests for intake-submit: submit wakes ocr for a new intake, and when the form
#   is opened.
# looks: gcloud pubsub topics get-iam-policy projects/my-project/topics/ocr-requests --project=my-project --format=json
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/ocr-requests --project=my-project \
  --member=serviceAccount:intake-submit@my-project.iam.gserviceaccount.com --role=roles/pubsub.publisher

# roles/pubsub.publisher on topic ocr-requests for intake-ocr: ocr wakes the other chunks of a long bill.
# looks: gcloud pubsub topics get-iam-policy projects/my-project/topics/ocr-requests --project=my-project --format=json
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/ocr-requests --project=my-project \
  --member=serviceAccount:intake-ocr@my-project.iam.gserviceaccount.com --role=roles/pubsub.publisher

# roles/pubsub.publisher on topic sheet-requests for intake-ocr: ocr wakes record when a bill is read.
# looks: gcloud pubsub topics get-iam-policy projects/my-project/topics/sheet-requests --project=my-project --format=json
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/sheet-requests --project=my-project \
  --member=serviceAccount:intake-ocr@my-project.iam.gserviceaccount.com --role=roles/pubsub.publisher

# roles/pubsub.publisher on topic ocr-requests for intake-sweep: sweep wakes what stopped while it was read.
# looks: gcloud pubsub topics get-iam-policy projects/my-project/topics/ocr-requests --project=my-project --format=json
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/ocr-requests --project=my-project \
  --member=serviceAccount:intake-sweep@my-project.iam.gserviceaccount.com --role=roles/pubsub.publisher

# roles/pubsub.publisher on topic sheet-requests for intake-sweep: sweep wakes what stopped before its row was
#   written.
# looks: gcloud pubsub topics get-iam-policy projects/my-project/topics/sheet-requests --project=my-project --format=json
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/sheet-requests --project=my-project \
  --member=serviceAccount:intake-sweep@my-project.iam.gserviceaccount.com --role=roles/pubsub.publisher

# roles/secretmanager.secretAccessor on secret intake-address-key for intake-submit: submit hashes client addresses
#   with it; no other function can read it.
# looks: gcloud secrets get-iam-policy intake-address-key --project=my-project --format=json
gcloud secrets add-iam-policy-binding intake-address-key --project=my-project \
  --member=serviceAccount:intake-submit@my-project.iam.gserviceaccount.com --role=roles/secretmanager.secretAccessor

# === Building the functions ==============================================================================

# image repository intake: The functions' images, in a place of their own, so that the build may write there and
#   nowhere else.
# looks: gcloud artifacts repositories describe intake --project=my-project --location=us-east4 --format=json
gcloud artifacts repositories create intake --project=my-project --location=us-east4 --repository-format=docker

# roles/logging.logWriter on the project for intake-build: The build writes its log; Logging has roles on the project
#   only.
# looks: gcloud projects get-iam-policy my-project --format=json
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-build@my-project.iam.gserviceaccount.com --role=roles/logging.logWriter \
  --condition=None

# roles/artifactregistry.writer on the images for intake-build: The build pushes the functions' images here.
# looks: gcloud artifacts repositories get-iam-policy intake --project=my-project --location=us-east4 --format=json
gcloud artifacts repositories add-iam-policy-binding intake --project=my-project --location=us-east4 \
  --member=serviceAccount:intake-build@my-project.iam.gserviceaccount.com --role=roles/artifactregistry.writer

# roles/storage.objectViewer on the project for intake-build: The build reads the uploaded source; its bucket is made
#   by the first deployment, so the role is on the project with a condition that leaves out the bucket of the bills.
# looks: gcloud projects get-iam-policy my-project --format=json
gcloud projects add-iam-policy-binding my-project \
  --member=serviceAccount:intake-build@my-project.iam.gserviceaccount.com --role=roles/storage.objectViewer \
  --condition='expression=resource.name.startsWith("projects/_/buckets/gcf-v2-"),title=sources-of-functions'

# the source in .build/source: functions/ and requirements.txt side by side, as the build wants them.
rm -rf .build/source && mkdir -p .build && cp -r functions .build/source && cp requirements.txt .build/source/

# === Functions ===========================================================================================

# function submit: Called by anybody, through Hosting, at most 8 at a time in 256 MiB for 300 s, on at most 10
#   instances; infra/functions.toml has the reason of each number.
# looks: gcloud functions describe submit --gen2 --project=my-project --region=us-east4 --format=json
gcloud functions deploy submit --gen2 --project=my-project --region=us-east4 --runtime=python311 \
  --source=.build/source --entry-point=submit --memory=256Mi --cpu=1 --timeout=300s --concurrency=8 \
  --min-instances=0 --max-instances=10 --service-account=intake-submit@my-project.iam.gserviceaccount.com \
  --build-service-account=projects/my-project/serviceAccounts/intake-build@my-project.iam.gserviceaccount.com \
  --docker-repository=projects/my-project/locations/us-east4/repositories/intake --ingress-settings=all \
  --no-allow-unauthenticated --update-labels=intake-source=0000000000000000000000000000000000000000 --trigger-http \
  --set-env-vars="GOOGLE_CLOUD_PROJECT=my-project,BILLS_BUCKET=my-project-bills,OCR_TOPIC=ocr-requests,SHEET_TOPIC=sheet-requests,THREADS=8,PAGES_PER_DAY=5000,SUBMISSIONS_PER_HOUR=60,SUBMISSIONS_PER_HOUR_PEER=600,APP_CHECK_PROJECT=${PROJECT_NUMBER},APP_CHECK_KEY=6LcAbCdEfGhIjKlMnOpQr" \
  --set-secrets=ADDRESS_KEY=intake-address-key:latest

# function progress: Called by anybody, through Hosting, at most 40 at a time in 256 MiB for 30 s, on at most 3
#   instances; infra/functions.toml has the reason of each number.
# looks: gcloud functions describe progress --gen2 --project=my-project --region=us-east4 --format=json
gcloud functions deploy progress --gen2 --project=my-project --region=us-east4 --runtime=python311 \
  --source=.build/source --entry-point=progress --memory=256Mi --cpu=1 --timeout=30s --concurrency=40 \
  --min-instances=0 --max-instances=3 --service-account=intake-progress@my-project.iam.gserviceaccount.com \
  --build-service-account=projects/my-project/serviceAccounts/intake-build@my-project.iam.gserviceaccount.com \
  --docker-repository=projects/my-project/locations/us-east4/repositories/intake --ingress-settings=all \
  --no-allow-unauthenticated --update-labels=intake-source=0000000000000000000000000000000000000000 --trigger-http \
  --set-env-vars=GOOGLE_CLOUD_PROJECT=my-project,BILLS_BUCKET=my-project-bills,OCR_TOPIC=ocr-requests,SHEET_TOPIC=sheet-requests,THREADS=40

# function ocr: Called by our own service accounts, from inside Google Cloud, at most 1 at a time in 512 MiB for 540
#   s, on at most 20 instances; infra/functions.toml has the reason of each number.
# looks: gcloud functions describe ocr --gen2 --project=my-project --region=us-east4 --format=json
gcloud functions deploy ocr --gen2 --project=my-project --region=us-east4 --runtime=python311 --source=.build/source \
  --entry-point=ocr --memory=512Mi --cpu=1 --timeout=540s --concurrency=1 --min-instances=0 --max-instances=20 \
  --service-account=intake-ocr@my-project.iam.gserviceaccount.com \
  --build-service-account=projects/my-project/serviceAccounts/intake-build@my-project.iam.gserviceaccount.com \
  --docker-repository=projects/my-project/locations/us-east4/repositories/intake --ingress-settings=internal-only \
  --no-allow-unauthenticated --update-labels=intake-source=0000000000000000000000000000000000000000 \
  --trigger-topic=ocr-requests --trigger-service-account=intake-push@my-project.iam.gserviceaccount.com --retry \
  --set-env-vars=GOOGLE_CLOUD_PROJECT=my-project,BILLS_BUCKET=my-project-bills,OCR_TOPIC=ocr-requests,SHEET_TOPIC=sheet-requests,THREADS=2,PAGES_PER_DAY=5000,MALLOC_MMAP_THRESHOLD_=262144,MALLOC_TRIM_THRESHOLD_=1048576,MALLOC_ARENA_MAX=2

# function record: Called by our own service accounts, from inside Google Cloud, at most 80 at a time in 256 MiB for
#   300 s, on at most 1 instances; infra/functions.toml has the reason of each number.
# looks: gcloud functions describe record --gen2 --project=my-project --region=us-east4 --format=json
gcloud functions deploy record --gen2 --project=my-project --region=us-east4 --runtime=python311 \
  --source=.build/source --entry-point=record --memory=256Mi --cpu=1 --timeout=300s --concurrency=80 \
  --min-instances=0 --max-instances=1 --service-account=intake-record@my-project.iam.gserviceaccount.com \
  --build-service-account=projects/my-project/serviceAccounts/intake-build@my-project.iam.gserviceaccount.com \
  --docker-repository=projects/my-project/locations/us-east4/repositories/intake --ingress-settings=internal-only \
  --no-allow-unauthenticated --update-labels=intake-source=0000000000000000000000000000000000000000 \
  --trigger-topic=sheet-requests --trigger-service-account=intake-push@my-project.iam.gserviceaccount.com --retry \
  --set-env-vars=GOOGLE_CLOUD_PROJECT=my-project,BILLS_BUCKET=my-project-bills,OCR_TOPIC=ocr-requests,SHEET_TOPIC=sheet-requests,THREADS=80,SHEET_ID=1aBcDeFgHiJkLmNoPqRsTuVwXyZ,DRIVE_FOLDER=0AbCdEfGhIjKlMn

# function sweep: Called by our own service accounts, from inside Google Cloud, at most 1 at a time in 256 MiB for 300
#   s, on at most 1 instances; infra/functions.toml has the reason of each number.
# looks: gcloud functions describe sweep --gen2 --project=my-project --region=us-east4 --format=json
gcloud functions deploy sweep --gen2 --project=my-project --region=us-east4 --runtime=python311 \
  --source=.build/source --entry-point=sweep --memory=256Mi --cpu=1 --timeout=300s --concurrency=1 --min-instances=0 \
  --max-instances=1 --service-account=intake-sweep@my-project.iam.gserviceaccount.com \
  --build-service-account=projects/my-project/serviceAccounts/intake-build@my-project.iam.gserviceaccount.com \
  --docker-repository=projects/my-project/locations/us-east4/repositories/intake --ingress-settings=internal-only \
  --no-allow-unauthenticated --update-labels=intake-source=0000000000000000000000000000000000000000 --trigger-http \
  --set-env-vars=GOOGLE_CLOUD_PROJECT=my-project,BILLS_BUCKET=my-project-bills,OCR_TOPIC=ocr-requests,SHEET_TOPIC=sheet-requests,THREADS=2,SHEET_ID=1aBcDeFgHiJkLmNoPqRsTuVwXyZ,DRIVE_FOLDER=0AbCdEfGhIjKlMn

# === Who may call them ===================================================================================

# roles/run.invoker on service submit for allUsers: Hosting sends agents' requests on to submit without an identity.
# looks: gcloud run services get-iam-policy submit --project=my-project --region=us-east4 --format=json
gcloud run services add-iam-policy-binding submit --project=my-project --region=us-east4 --member=allUsers \
  --role=roles/run.invoker

# roles/run.invoker on service progress for allUsers: Hosting sends agents' requests on to progress without an
#   identity.
# looks: gcloud run services get-iam-policy progress --project=my-project --region=us-east4 --format=json
gcloud run services add-iam-policy-binding progress --project=my-project --region=us-east4 --member=allUsers \
  --role=roles/run.invoker

# roles/run.invoker on service ocr for intake-push: Nobody but this account may call ocr.
# looks: gcloud run services get-iam-policy ocr --project=my-project --region=us-east4 --format=json
gcloud run services add-iam-policy-binding ocr --project=my-project --region=us-east4 \
  --member=serviceAccount:intake-push@my-project.iam.gserviceaccount.com --role=roles/run.invoker

# roles/run.invoker on service record for intake-push: Nobody but this account may call record.
# looks: gcloud run services get-iam-policy record --project=my-project --region=us-east4 --format=json
gcloud run services add-iam-policy-binding record --project=my-project --region=us-east4 \
  --member=serviceAccount:intake-push@my-project.iam.gserviceaccount.com --role=roles/run.invoker

# roles/run.invoker on service sweep for intake-clock: Nobody but this account may call sweep.
# looks: gcloud run services get-iam-policy sweep --project=my-project --region=us-east4 --format=json
gcloud run services add-iam-policy-binding sweep --project=my-project --region=us-east4 \
  --member=serviceAccount:intake-clock@my-project.iam.gserviceaccount.com --role=roles/run.invoker

# === Delivery and dead letters ===========================================================================

# The Eventarc trigger that the deployment of ocr made.
OCR_TRIGGER=$(gcloud functions describe ocr --gen2 --project=my-project --region=us-east4 --format='value(eventTrigger.trigger)')

# The subscription behind it, which comes without dead letters.
OCR_SUBSCRIPTION=$(gcloud eventarc triggers describe "${OCR_TRIGGER}" --project=my-project --format='value(transport.pubsub.subscription)')

# The Eventarc trigger that the deployment of record made.
SHEET_TRIGGER=$(gcloud functions describe record --gen2 --project=my-project --region=us-east4 --format='value(eventTrigger.trigger)')

# The subscription behind it, which comes without dead letters.
SHEET_SUBSCRIPTION=$(gcloud eventarc triggers describe "${SHEET_TRIGGER}" --project=my-project --format='value(transport.pubsub.subscription)')

# roles/pubsub.publisher on topic ocr-requests-dead for service-${PROJECT_NUMBER}: Pub/Sub puts messages here whose
#   last delivery attempt has failed.
# looks: gcloud pubsub topics get-iam-policy projects/my-project/topics/ocr-requests-dead --project=my-project --format=json
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/ocr-requests-dead --project=my-project \
  --member="serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com" \
  --role=roles/pubsub.publisher

# roles/pubsub.subscriber on subscription of ocr-requests for service-${PROJECT_NUMBER}: Pub/Sub takes a message off
#   it when it goes to the dead letters.
# looks: gcloud pubsub subscriptions get-iam-policy "${OCR_SUBSCRIPTION}" --project=my-project --format=json
gcloud pubsub subscriptions add-iam-policy-binding "${OCR_SUBSCRIPTION}" --project=my-project \
  --member="serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com" \
  --role=roles/pubsub.subscriber

# roles/pubsub.publisher on topic sheet-requests-dead for service-${PROJECT_NUMBER}: Pub/Sub puts messages here whose
#   last delivery attempt has failed.
# looks: gcloud pubsub topics get-iam-policy projects/my-project/topics/sheet-requests-dead --project=my-project --format=json
gcloud pubsub topics add-iam-policy-binding projects/my-project/topics/sheet-requests-dead --project=my-project \
  --member="serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com" \
  --role=roles/pubsub.publisher

# roles/pubsub.subscriber on subscription of sheet-requests for service-${PROJECT_NUMBER}: Pub/Sub takes a message off
#   it when it goes to the dead letters.
# looks: gcloud pubsub subscriptions get-iam-policy "${SHEET_SUBSCRIPTION}" --project=my-project --format=json
gcloud pubsub subscriptions add-iam-policy-binding "${SHEET_SUBSCRIPTION}" --project=my-project \
  --member="serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com" \
  --role=roles/pubsub.subscriber

# delivery to ocr: A run may take 540 s; what fails is tried again later and later, then goes to the dead letters.
# looks: gcloud pubsub subscriptions describe "${OCR_SUBSCRIPTION}" --project=my-project --format=json
gcloud pubsub subscriptions update "${OCR_SUBSCRIPTION}" --project=my-project --ack-deadline=600 \
  --min-retry-delay=10s --max-retry-delay=600s --dead-letter-topic=projects/my-project/topics/ocr-requests-dead \
  --max-delivery-attempts=10 --message-retention-duration=7d --expiration-period=never

# delivery to record: A run may take 300 s; what fails is tried again later and later, then goes to the dead letters.
# looks: gcloud pubsub subscriptions describe "${SHEET_SUBSCRIPTION}" --project=my-project --format=json
gcloud pubsub subscriptions update "${SHEET_SUBSCRIPTION}" --project=my-project --ack-deadline=600 \
  --min-retry-delay=10s --max-retry-delay=600s --dead-letter-topic=projects/my-project/topics/sheet-requests-dead \
  --max-delivery-attempts=10 --message-retention-duration=7d --expiration-period=never

# === The clock ===========================================================================================

# The address of sweep, which is also what the clock's token is made out to.
SWEEP_URL=$(gcloud functions describe sweep --gen2 --project=my-project --region=us-east4 --format='value(serviceConfig.uri)')

# scheduler job intake-sweep: What stopped goes on within minutes; a call that fails is not repeated, for the next one
#   is a minute away.
# looks: gcloud scheduler jobs describe intake-sweep --project=my-project --location=us-east4 --format=json
# if it differs: gcloud scheduler jobs update http intake-sweep --project=my-project --location=us-east4 --schedule='* * * * *' --uri="${SWEEP_URL}" --http-method=POST --oidc-service-account-email=intake-clock@my-project.iam.gserviceaccount.com --oidc-token-audience="${SWEEP_URL}" --attempt-deadline=320s
# if it differs: gcloud scheduler jobs resume intake-sweep --project=my-project --location=us-east4
gcloud scheduler jobs create http intake-sweep --project=my-project --location=us-east4 --schedule='* * * * *' \
  --uri="${SWEEP_URL}" --http-method=POST \
  --oidc-service-account-email=intake-clock@my-project.iam.gserviceaccount.com --oidc-token-audience="${SWEEP_URL}" \
  --attempt-deadline=320s

# === Site and rules ======================================================================================

# web app GreenWatt Intake: Gives the page the key with which it listens to Firestore.
# looks: npx --yes firebase-tools@15.34.2 apps:list WEB --project=my-project --json --non-interactive
npx --yes firebase-tools@15.34.2 apps:create WEB 'GreenWatt Intake' --project=my-project --non-interactive

# the site in .build/site: The built page, the config that it reads, and firebase.json with this deployment's region.
npm ci --prefix frontend && npm run build --prefix frontend
rm -rf .build/site && mkdir -p .build && cp -r frontend/dist .build/site && cp infra/firestore.rules .build/
sed 's#"region": "[a-z0-9-]*"#"region": "us-east4"#; s#../frontend/dist#site#; s#default-src '"'"'self'"'"'#default-src '"'"'self'"'"'; script-src '"'"'self'"'"' https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/; frame-src https://www.google.com/recaptcha/ https://recaptcha.google.com/recaptcha/#; s#connect-src '"'"'self'"'"'#connect-src '"'"'self'"'"' https://content-firebaseappcheck.googleapis.com https://www.google.com/recaptcha/#' infra/firebase.json > .build/firebase.json
npx --yes firebase-tools@15.34.2 apps:sdkconfig WEB --project=my-project --json --non-interactive |
  python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["result"]["sdkConfig"]))' > .build/site/firebase-config.json

# site and rules: The agents' form with its headers and the way to submit and progress; what a stranger may read in
#   Firestore.
# looks: curl --fail --silent --show-error https://my-project.web.app/build.json
npx --yes firebase-tools@15.34.2 deploy --only=hosting,firestore:rules --project=my-project \
  --config=.build/firebase.json --non-interactive

# === Monitoring ==========================================================================================

# metric intake_oldest_s: Age of the oldest unfinished intake at each sweep, seconds; 0 when none is unfinished.
# looks: gcloud logging metrics describe intake_oldest_s --project=my-project --format=json
# if it differs: gcloud logging metrics update intake_oldest_s --project=my-project --config-from-file=infra/monitoring/metrics/intake_oldest_s.json
gcloud logging metrics create intake_oldest_s --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_oldest_s.json

# metric intake_page_budget: Submissions refused because the pages of the day are spent, and sweeps that found them
#   nearly spent.
# looks: gcloud logging metrics describe intake_page_budget --project=my-project --format=json
# if it differs: gcloud logging metrics update intake_page_budget --project=my-project --config-from-file=infra/monitoring/metrics/intake_page_budget.json
gcloud logging metrics create intake_page_budget --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_page_budget.json

# metric intake_pages_day: Pages taken in during the last 24 hours, at each sweep.
# looks: gcloud logging metrics describe intake_pages_day --project=my-project --format=json
# if it differs: gcloud logging metrics update intake_pages_day --project=my-project --config-from-file=infra/monitoring/metrics/intake_pages_day.json
gcloud logging metrics create intake_pages_day --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_pages_day.json

# metric intake_rows_due: Intakes that are read and whose row is not in the Sheet yet, at each sweep.
# looks: gcloud logging metrics describe intake_rows_due --project=my-project --format=json
# if it differs: gcloud logging metrics update intake_rows_due --project=my-project --config-from-file=infra/monitoring/metrics/intake_rows_due.json
gcloud logging metrics create intake_rows_due --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_rows_due.json

# metric intake_rss_mb: Resident memory of a function's process when it wrote a log line, MiB.
# looks: gcloud logging metrics describe intake_rss_mb --project=my-project --format=json
# if it differs: gcloud logging metrics update intake_rss_mb --project=my-project --config-from-file=infra/monitoring/metrics/intake_rss_mb.json
gcloud logging metrics create intake_rss_mb --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_rss_mb.json

# metric intake_vision_quota: Pages that Vision refused for want of quota in spite of repeated tries.
# looks: gcloud logging metrics describe intake_vision_quota --project=my-project --format=json
# if it differs: gcloud logging metrics update intake_vision_quota --project=my-project --config-from-file=infra/monitoring/metrics/intake_vision_quota.json
gcloud logging metrics create intake_vision_quota --project=my-project \
  --config-from-file=infra/monitoring/metrics/intake_vision_quota.json

# alerts and dashboard in .build/monitoring: The files of infra/monitoring, each with a label that says which version
#   it is.
python3 -m infra.gcp.stage monitoring

# notifications to ops@example.com: Somebody has to be told.
# looks: gcloud beta monitoring channels list --project=my-project --format=json
gcloud beta monitoring channels create --project=my-project --display-name='GreenWatt Intake' --type=email \
  --channel-labels=email_address=ops@example.com

# The name that Google gave the channel.
ALERT_CHANNEL=$(gcloud beta monitoring channels list --project=my-project --filter='type="email" AND labels.email_address="ops@example.com"' --limit=1 --format='value(name)')

# alert dead letters: infra/monitoring/alerts/dead_letters.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it differs: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/dead_letters.json --set-notification-channels="${ALERT_CHANNEL}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/dead_letters.json --notification-channels="${ALERT_CHANNEL}"

# alert memory over 80 %: infra/monitoring/alerts/memory.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it differs: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/memory.json --set-notification-channels="${ALERT_CHANNEL}"
gcloud alpha monitoring policies create --project=my-project --policy-from-file=.build/monitoring/alerts/memory.json \
  --notification-channels="${ALERT_CHANNEL}"

# alert a bill waits for more than 10 minutes: infra/monitoring/alerts/oldest_unfinished.json says what to do when it
#   comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it differs: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/oldest_unfinished.json --set-notification-channels="${ALERT_CHANNEL}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/oldest_unfinished.json --notification-channels="${ALERT_CHANNEL}"

# alert the page budget of the day: infra/monitoring/alerts/page_budget.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it differs: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/page_budget.json --set-notification-channels="${ALERT_CHANNEL}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/page_budget.json --notification-channels="${ALERT_CHANNEL}"

# alert more than 5 % server errors: infra/monitoring/alerts/server_errors.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it differs: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/server_errors.json --set-notification-channels="${ALERT_CHANNEL}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/server_errors.json --notification-channels="${ALERT_CHANNEL}"

# alert rows wait for the Sheet: infra/monitoring/alerts/sheet_backlog.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it differs: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/sheet_backlog.json --set-notification-channels="${ALERT_CHANNEL}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/sheet_backlog.json --notification-channels="${ALERT_CHANNEL}"

# alert Vision is over its quota: infra/monitoring/alerts/vision_quota.json says what to do when it comes.
# looks: gcloud alpha monitoring policies list --project=my-project --format=json
# if it differs: gcloud alpha monitoring policies update "${FOUND}" --project=my-project --policy-from-file=.build/monitoring/alerts/vision_quota.json --set-notification-channels="${ALERT_CHANNEL}"
gcloud alpha monitoring policies create --project=my-project \
  --policy-from-file=.build/monitoring/alerts/vision_quota.json --notification-channels="${ALERT_CHANNEL}"

# dashboard GreenWatt Intake: Requests, errors, durations, memory, backlog and pages on one page.
# looks: gcloud monitoring dashboards list --project=my-project --format=json
# if it differs: gcloud monitoring dashboards update "${FOUND}" --project=my-project --config-from-file=.build/monitoring/dashboard.json
gcloud monitoring dashboards create --project=my-project --config-from-file=.build/monitoring/dashboard.json
