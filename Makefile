# Everything runs in a virtual environment of the project's own; nothing else is touched.
#
#   make test PYTHON=python3.12 VENV=.venv-3.12     another Python

PYTHON ?= python3
PYTHON_311 ?= python3.11
VENV ?= .venv
VENV_DEMO ?= .venv-demo
VENV_LOCKED ?= .venv-locked
VENV_TFLITE_RUNTIME ?= .venv-tflite-runtime
VENV_MODEL_GARDEN ?= .venv-model-garden
VENV_CLUSTER ?= .venv-cluster
OUTPUT = demo/output
REFERENCE_DATA ?= ../shared/data

BIN = $(VENV)/bin
INSTALLED = $(VENV)/installed
INSTALLED_DEMO = $(VENV_DEMO)/installed
RUNTIME_LOCK = requirements/runtime.txt
BUILD_LOCK = requirements/build.txt
INSTALLED_TFLITE_RUNTIME = $(VENV_TFLITE_RUNTIME)/installed
INSTALLED_MODEL_GARDEN = $(VENV_MODEL_GARDEN)/installed
INSTALLED_CLUSTER = $(VENV_CLUSTER)/installed

.DEFAULT_GOAL = help
.PHONY: help setup demo demo-convert test test-long lint check test-tflite-runtime peers bench-peers bench-pipeline bench-model-garden bench-arm bench-arm-pipeline \
	arm-install bench-others bench-engines bench-tsm bench-published bench-scaling bench-threads clip-memory paper-table android-check built-in-models camera-motion judge-camera-motion camera-health judge-camera-health schema fuzz mutants test-torch test-cluster clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## install the project and its tools into .venv

CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' || \
	{ echo "Python 3.10 to 3.14 is needed; name one with make PYTHON=python3.12"; exit 1; }
LOCKED_VERSIONS = sed -n 's/ *\\$$//; /==/p' $(RUNTIME_LOCK)

# What a device would get, the tests get: the locked versions, with newer tools around them.
$(INSTALLED): setup.cfg pyproject.toml $(RUNTIME_LOCK)
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(LOCKED_VERSIONS) > $(VENV)/constraints.txt
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --constraint $(VENV)/constraints.txt \
		--editable '.[dev]'
	@touch $@

LOCK_VENV = build/venvs/lock
UV = $(LOCK_VENV)/bin/uv
LOCK = $(UV) pip compile --quiet --upgrade --generate-hashes --custom-compile-command 'make lock'
DEVICES = $(foreach machine,x86_64 aarch64,$(patsubst %,build/locked/%-$(machine),3.10 3.11 3.12 3.13 3.14))
ARM_LOCK = benchmarks/movistream_benchmarks/arm/wheels.txt

.PHONY: lock licences test-locked av-without-gpl

$(LOCK_VENV)/installed:
	$(PYTHON) -m venv $(LOCK_VENV)
	$(LOCK_VENV)/bin/python -m pip install --quiet uv
	@touch $@

lock: $(LOCK_VENV)/installed ## take up new versions of what the runtime needs, with their digests
	$(LOCK) --universal --python-version 3.10 --extra serve --extra video setup.cfg \
		--output-file $(RUNTIME_LOCK)
	sed -n 's/^requires = \["\(.*\)"\]$$/\1/p' pyproject.toml | \
		$(LOCK) --universal --python-version 3.10 - --output-file $(BUILD_LOCK)
	$(LOCK) --python-version 3.11 --python-platform aarch64-manylinux_2_28 --no-annotate \
		--constraint $(RUNTIME_LOCK) --extra video setup.cfg --output-file $(ARM_LOCK)
	$(MAKE) licences

# Downloads wheels for every Python and machine, and so finds out that there are some.
build/locked/%: $(RUNTIME_LOCK) $(LOCK_VENV)/installed
	@rm -rf $@
	$(UV) pip install --no-config --quiet --target $@ --only-binary :all: --require-hashes --no-deps \
		--python-version $(firstword $(subst -, ,$*)) --requirement $(RUNTIME_LOCK) \
		--python-platform $(lastword $(subst -, ,$*))-manylinux_2_28
	@touch $@

licences: $(DEVICES) ## write what is in the runtime's packages, for each Python, on PCs and on ARM
	$(PYTHON) requirements/licences.py $(DEVICES) docs/licences.md

# Both in a fresh environment, as on a device.
WITHOUT_GPL = build/without-gpl
INSTALL_LOCKED = -m pip install --quiet --require-hashes --requirement $(BUILD_LOCK) --requirement $(RUNTIME_LOCK)
INSTALL_OWN = -m pip install --quiet --no-build-isolation --no-deps --force-reinstall .

test-locked: ## install the locked runtime as on a device; run the demo and a clip, serve it
	$(PYTHON) -m venv --clear $(VENV_LOCKED)
	$(VENV_LOCKED)/bin/python $(INSTALL_LOCKED)
	$(VENV_LOCKED)/bin/python $(INSTALL_OWN)
	$(VENV_LOCKED)/bin/python -m pip check
	bash tests/runtime_smoke.sh $(VENV_LOCKED)/bin/python

av-without-gpl: ## build FFmpeg and PyAV without x264 and x265, and test them (Debian)
	$(PYTHON) -m venv --clear $(WITHOUT_GPL)/venv
	$(WITHOUT_GPL)/venv/bin/python $(INSTALL_LOCKED)
	$(WITHOUT_GPL)/venv/bin/python $(INSTALL_OWN)
	bash requirements/av_without_gpl.sh $(WITHOUT_GPL) $(WITHOUT_GPL)/venv/bin/python
	bash tests/runtime_smoke.sh $(WITHOUT_GPL)/venv/bin/python

# The runtime alone: what converts and trains is not needed, and takes gigabytes.
$(INSTALLED_DEMO): setup.cfg pyproject.toml $(RUNTIME_LOCK)
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV_DEMO)
	$(LOCKED_VERSIONS) > $(VENV_DEMO)/constraints.txt
	PYTHONWARNINGS=ignore $(VENV_DEMO)/bin/python -m pip install --disable-pip-version-check \
		--constraint $(VENV_DEMO)/constraints.txt --editable '.[video,plot]'
	@touch $@

demo: $(INSTALLED_DEMO) ## let the camera-motion model watch a clip whose motion is known
	$(VENV_DEMO)/bin/movistream demo -o $(OUTPUT) --force
	@echo
	@echo "On a video of your own: $(VENV_DEMO)/bin/movistream run camera-motion VIDEO"
	@echo "On a camera:            $(VENV_DEMO)/bin/movistream demo --camera 0"

demo-convert: $(INSTALLED) ## the same with a model that is converted to int8 here, with a report
	@mkdir -p $(OUTPUT) && rm -f $(OUTPUT)/camera-motion.int8.tflite
	$(CAMERA_MOTION_MODULE).calibration $(OUTPUT)/calibration
	$(BIN)/movistream convert --force $(CAMERA_MOTION_WEIGHTS) $(BUILT_IN_INT8) \
		--calibrate $(OUTPUT)/calibration -o $(OUTPUT)/camera-motion.int8.tflite
	$(BIN)/movistream demo --model $(OUTPUT)/camera-motion.int8.tflite -o $(OUTPUT) --force

# A file's tests share networks, and stay together.
test: $(INSTALLED) ## run the tests
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

test-long: $(INSTALLED) ## run what takes longer: hostile files in bulk, kills, a server under load, the pages' commands
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile tests/long
	$(BIN)/python tests/mutants/run.py --quick
	$(MAKE) fuzz MINUTES=5

MINUTES ?= 5
fuzz: $(INSTALLED) ## hostile files through the runtime and every parser, for MINUTES=5; SEED= repeats
	@$(BIN)/python -c 'import atheris' 2> /dev/null || \
		$(BIN)/python -m pip install --quiet --editable '.[fuzz]' || true
	$(BIN)/python -m tests.fuzz.everything --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

mutants: $(INSTALLED) ## change modules in small ways and see whether tests notice: MODULES=…, by default all
	$(BIN)/python tests/mutants/run.py $(MODULES)

lint: $(INSTALLED) ## style, types and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo

check: lint test ## lint and test

$(INSTALLED_TFLITE_RUNTIME): setup.cfg Makefile
	@$(PYTHON_311) --version || \
		{ echo "tflite-runtime 2.14 needs Python 3.11; name one with make PYTHON_311=…"; exit 1; }
	$(PYTHON_311) -m venv $(VENV_TFLITE_RUNTIME)
	$(VENV_TFLITE_RUNTIME)/bin/python -m pip install --quiet --upgrade pip
	$(VENV_TFLITE_RUNTIME)/bin/python -m pip install --quiet \
		tflite-runtime==2.14.0 'numpy<2' click msgspec rich pytest
	PYTHONWARNINGS=ignore $(VENV_TFLITE_RUNTIME)/bin/python -m pip install --quiet --no-deps \
		--editable .
	@touch $@

test-tflite-runtime: $(INSTALLED) $(INSTALLED_TFLITE_RUNTIME) ## the same files on tflite-runtime 2.14
	$(BIN)/python -m tests.tflite_runtime.write_expected build/engine-parity
	$(VENV_TFLITE_RUNTIME)/bin/python -m pytest --noconftest tests/tflite_runtime

# PyTorch lies beside the environment: who converts nothing of it needs none of its 900 MB.
TORCH = build/torch
$(TORCH)/installed: Makefile | $(INSTALLED)
	rm -rf $(TORCH)
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --target $(TORCH) torch==2.13.0
	@touch $@

test-torch: $(TORCH)/installed ## read PyTorch's own files
	PYTHONPATH=$(abspath $(TORCH)) $(BIN)/python -c 'import torch'
	PYTHONPATH=$(abspath $(TORCH)) $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
		tests/converters/test_torch_random.py tests/converters/test_torch_page.py tests/converters/test_torch_networks.py \
		tests/converters/test_exported_running.py tests/converters/test_source_program.py \
		tests/converters/test_from_torch.py tests/converters/test_pytorch.py \
		tests/converters/test_reference_parity.py::test_a_state_dict

# Ray takes 240 MB, and nothing but a search on several computers needs it.
$(INSTALLED_CLUSTER): setup.cfg $(RUNTIME_LOCK)
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV_CLUSTER)
	$(VENV_CLUSTER)/bin/python -m pip install --quiet --upgrade pip
	$(LOCKED_VERSIONS) > $(VENV_CLUSTER)/constraints.txt
	PYTHONWARNINGS=ignore $(VENV_CLUSTER)/bin/python -m pip install --quiet \
		--constraint $(VENV_CLUSTER)/constraints.txt --editable '.[train,cluster]' pytest s3fs 'moto[server]'
	@touch $@

test-cluster: $(INSTALLED_CLUSTER) ## search and archive on Ray, Dask and an object store, and lose some of them
	$(VENV_CLUSTER)/bin/python -c 'import distributed, moto, ray, s3fs'
	$(VENV_CLUSTER)/bin/python -m pytest tests/training/test_one_shot_ray.py tests/sdk/test_archive_cluster.py \
		tests/sdk/test_archive_objects.py tests/sdk/test_archive_kills.py

CLIPS = $(REFERENCE_DATA)/clips
SIGNS = $(sort $(wildcard $(CLIPS)/asl_gestures/*.mkv))
JUDGED = --calibrate build/peers/calibrate --held-out build/peers/held-out
A0 = build/peers/a0
PEERS = $(REFERENCE_DATA)/peers/model_garden_a0_stream
RELU6 = --activation relu6 --head-activation relu6

peers: $(INSTALLED)
	@rm -rf build/peers/calibrate build/peers/held-out
	@mkdir -p build/peers/calibrate build/peers/held-out
	ln -s $(abspath $(wordlist 1,10,$(SIGNS))) build/peers/calibrate/
	ln -s $(abspath $(wordlist 11,19,$(SIGNS)) $(wildcard $(CLIPS)/*.mp4)) build/peers/held-out/
	for precision in float32 float16 dynamic; do \
		$(BIN)/movistream convert --force $(REFERENCE_DATA)/goldens/a0_stream --precision $$precision \
			-o $(A0).$$precision.tflite > /dev/null || exit 1; \
	done
	$(BIN)/movistream convert --force $(REFERENCE_DATA)/goldens/a0_stream --precision int8 \
		$(JUDGED) -o $(A0).int8.tflite
	$(BIN)/movistream convert --force $(REFERENCE_DATA)/goldens/k600_a0_stream $(RELU6) --precision int8 \
		--labels $(REFERENCE_DATA)/kinetics600_labels.txt \
		$(JUDGED) -o build/peers/k600.int8.tflite
	$(BIN)/movistream convert --force $(REFERENCE_DATA)/goldens/barn_a0_stream --precision int8 \
		$(JUDGED) -o build/peers/barn.int8.tflite

PUBLISHED = $(patsubst %,--published $(PEERS)_%.tflite,f32 float16 dynamic int8)
OWN = $(patsubst %,$(A0).%.tflite,float32 float16 dynamic int8)

REPORT = docs/benchmark-report.html
bench-peers: peers ## our files of one network beside Model Garden's: report, and the README's table
	$(BIN)/movistream bench $(PUBLISHED) $(OWN) --rounds 25 --weight-cache build/peers/weights \
		--output $(REPORT) --force --json > build/peers/bench.json
	$(BIN)/python benchmarks/readme_table.py build/peers/bench.json README.md

bench-threads: peers ## the same with one thread and with two
	$(BIN)/movistream bench $(PUBLISHED) $(OWN) --threads 1,2 --rounds 25

bench-published: peers ## our int8 file of the published int8 model's weights beside the published one
	$(BIN)/movistream bench --rounds 25 build/peers/k600.int8.tflite \
		--published $(REFERENCE_DATA)/peers/official_k600_a0_stream_int8.tflite

PIPELINE = build/pipeline
PIPELINE_CLIPS = $(foreach size,480p 720p 1080p,$(addprefix $(PIPELINE)/$(size)-,h264.mp4 hevc.mp4 mjpeg.avi))
$(PIPELINE)/made: benchmarks/pipeline/make_clips.py | $(INSTALLED)
	$(BIN)/python $< $(PIPELINE)
	@touch $@

bench-pipeline: peers $(PIPELINE)/made ## what watching a video costs, part by part and as a whole: three sizes, three codecs
	$(BIN)/movistream bench build/peers/k600.int8.tflite $(addprefix --pipeline ,$(PIPELINE_CLIPS)) --rounds 5
	$(BIN)/python -m movistream_benchmarks.run_cost build/peers/k600.int8.tflite $(filter $(PIPELINE)/1080p%,$(PIPELINE_CLIPS))
	$(BIN)/python -m movistream_benchmarks.streams cameras build/peers/k600.int8.tflite $(PIPELINE)/480p-h264.mp4

PEER_VENVS = build/venvs
define INSTALL_PEER
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --upgrade pip
	$(@D)/bin/python -m pip install --quiet --requirement $<
	@touch $@
endef

$(PEER_VENVS)/%/installed: benchmarks/peers/requirements_%.txt
	$(INSTALL_PEER)

$(PEER_VENVS)/%/installed: benchmarks/engines/requirements_%.txt
	$(INSTALL_PEER)

TORCH_PEER = $(PEER_VENVS)/torch/bin/python benchmarks/peers/torch_peer.py
TFLITE_PEER = $(BIN)/python benchmarks/peers/tflite_peer.py
EXPORTED = build/model-garden
bench-others: $(INSTALLED) $(EXPORTED)/a0_int8.tflite $(PEER_VENVS)/torch/installed $(PEER_VENVS)/onnx/installed ## a new frame in other programs: Model Garden's, ONNX Runtime, CoX3D, clip models in a sliding window
	$(BIN)/python demo/render_clip.py $(EXPORTED)/clip.mp4
	$(BIN)/movistream convert --force $(EXPORTED)/a0/ckpt-1 -o $(EXPORTED)/a0.float32.tflite > /dev/null
	$(BIN)/movistream convert --force $(EXPORTED)/a0/ckpt-1 --precision int8 --calibrate $(EXPORTED)/clip.mp4 \
		-o $(EXPORTED)/a0.int8.tflite > /dev/null
	$(BIN)/python benchmarks/peers/state_map.py $(EXPORTED)/a0.float32.tflite $(EXPORTED)/a0.states.json
	$(PEER_VENVS)/onnx/bin/python -m tf2onnx.convert --opset 17 --tflite $(EXPORTED)/a0.float32.tflite \
		--output $(EXPORTED)/a0.onnx > $(EXPORTED)/tf2onnx.log 2>&1
	PYTHONPATH=sdk:converters:benchmarks $(BIN)/python benchmarks/peers/compare.py --json build/others.json \
		'$(TFLITE_PEER) $(EXPORTED)/a0_f32.tflite --published-loop' \
		'$(TFLITE_PEER) $(EXPORTED)/a0_int8.tflite --published-loop' \
		'$(TFLITE_PEER) $(EXPORTED)/a0.float32.tflite' '$(TFLITE_PEER) $(EXPORTED)/a0.int8.tflite' \
		'$(PEER_VENVS)/onnx/bin/python benchmarks/peers/onnx_peer.py $(EXPORTED)/a0.onnx $(EXPORTED)/a0.states.json' \
		'$(TORCH_PEER) cox3d-s' '$(TORCH_PEER) cox3d-m' \
		'$(TORCH_PEER) x3d-m' '$(TORCH_PEER) movinet-a0-base'

ENGINES = build/engines
ENGINE_VENVS = $(patsubst benchmarks/engines/requirements_%.txt,$(PEER_VENVS)/%/installed,$(wildcard benchmarks/engines/requirements_*.txt))
ENGINES_ON_ARM = $(patsubst %,$(ENGINES)/arm/%/installed,ncnn onnxruntime mnn openvino)
ARM_WHEELS = --only-binary :all: --implementation cp --abi cp311 --abi abi3 --abi none --python-version 3.11 \
	$(patsubst %,--platform manylinux_2_%_aarch64,36 35 34 31 28 27 26 24 17) --platform manylinux2014_aarch64

$(ENGINES)/arm/%/installed: benchmarks/engines/requirements_%.txt | $(INSTALLED)
	rm -rf $(@D)
	$(BIN)/python -m pip install --quiet --target $(@D) $(ARM_WHEELS) --requirement $<
	@touch $@

bench-engines: peers $(ENGINE_VENVS) $(ENGINES_ON_ARM) ## one network in ncnn, ONNX Runtime, MNN, OpenVINO, ExecuTorch: time, ARM instructions, answers (Debian 12 on x86-64)
	@mkdir -p $(ENGINES)/a0 $(ENGINES)/k600
	for precision in float32 float16 dynamic int8; do \
		calibrate=$$(test $$precision != int8 || echo --calibrate build/peers/calibrate); \
		$(BIN)/movistream convert --force $(REFERENCE_DATA)/goldens/a0_stream --precision $$precision $$calibrate \
			-o $(ENGINES)/a0/$$precision.tflite > /dev/null || exit 1; \
		$(BIN)/movistream convert --force $(REFERENCE_DATA)/goldens/k600_a0_stream $(RELU6) --precision $$precision $$calibrate \
			-o $(ENGINES)/k600/$$precision.tflite > /dev/null || exit 1; \
	done
	$(BIN)/movistream bench-arm --folder build/arm --frames 1 $(ENGINES)/a0/int8.tflite
	for network in a0 k600; do \
		PYTHONPATH=sdk:converters:benchmarks $(BIN)/python -m engines.export $(ENGINES)/$$network/float32.tflite \
			$(ENGINES)/$$network --video $(CLIPS)/carving_ice.mp4 --calibrate build/peers/calibrate || exit 1; \
	done
	PYTHONPATH=sdk:benchmarks $(BIN)/python -m engines.compare $(ENGINES)/a0 $(ENGINES)/k600 --environments $(PEER_VENVS) \
		--arm build/arm --arm-packages $(ENGINES)/arm --json $(ENGINES)/engines.json --page docs/engines.md

TSM = $(REFERENCE_DATA)/goldens/tsm_mobilenetv2_online/mobilenetv2_jester_online_layout.pth.tar
bench-tsm: peers $(PEER_VENVS)/onnxruntime/installed $(ENGINES)/arm/onnxruntime/installed ## TSM's online MobileNetV2 here and in ONNX Runtime: time, ARM instructions, answers
	@mkdir -p $(ENGINES)/tsm
	for precision in float32 float16 dynamic int8; do \
		calibrate=$$(test $$precision != int8 || echo --calibrate build/peers/calibrate --held-out build/peers/held-out); \
		$(BIN)/movistream convert --force $(TSM) --precision $$precision $$calibrate \
			-o $(ENGINES)/tsm/$$precision.tflite || exit 1; \
	done
	PYTHONPATH=sdk:converters:benchmarks $(BIN)/python -m engines.export $(ENGINES)/tsm/float32.tflite \
		$(ENGINES)/tsm --video $(CLIPS)/carving_ice.mp4 --calibrate build/peers/calibrate
	PYTHONPATH=sdk:benchmarks $(BIN)/python -m engines.compare $(ENGINES)/tsm --environments $(PEER_VENVS) \
		--arm build/arm --arm-packages $(ENGINES)/arm --json $(ENGINES)/tsm.json --only movistream --only 'ONNX Runtime'

SCALING = build/scaling
bench-scaling: $(INSTALLED) ## how a step of A0 grows with the image, with threads, with streams
	$(BIN)/python benchmarks/scaling/make_files.py $(SCALING)
	$(BIN)/movistream bench --threads 1,2 --output $(SCALING)/sizes.html --force --json \
		$(patsubst %,$(SCALING)/a0-%-pixels.tflite,128 172 224 256 320) > $(SCALING)/sizes.json
	$(BIN)/movistream bench --streams 1,2,4,8 --output $(SCALING)/streams.html --force --json \
		$(SCALING)/a0-172-pixels.tflite > $(SCALING)/streams.json

clip-memory: $(INSTALLED) $(PEER_VENVS)/torch/installed ## memory against a clip's length: a stream, and clips at once
	PYTHONPATH=sdk:converters:benchmarks:benchmarks/peers $(BIN)/python benchmarks/clip_memory/measure.py \
		$(PEER_VENVS)/torch/bin/python build/clip-memory docs/images/clip-memory.png

$(INSTALLED_MODEL_GARDEN): benchmarks/model_garden/requirements.txt
	$(PYTHON) -m venv $(VENV_MODEL_GARDEN)
	$(VENV_MODEL_GARDEN)/bin/python -m pip install --quiet --upgrade pip
	$(VENV_MODEL_GARDEN)/bin/python -m pip install --quiet --requirement $<
	$(VENV_MODEL_GARDEN)/bin/python -m pip install --quiet --no-deps tf-models-official==2.20.0
	@touch $@

$(EXPORTED)/%_int8.tflite: benchmarks/model_garden/export.py | $(INSTALLED_MODEL_GARDEN)
	@mkdir -p $(EXPORTED)
	$(VENV_MODEL_GARDEN)/bin/python $< $* $(EXPORTED) 2> $(EXPORTED)/$*.log || { tail $(EXPORTED)/$*.log; exit 1; }

bench-model-garden: $(INSTALLED) $(EXPORTED)/a2_int8.tflite $(EXPORTED)/a3_int8.tflite ## the same for A2 and A3, exported here by Model Garden's own code
	$(BIN)/python demo/render_clip.py $(EXPORTED)/clip.mp4
	for name in a2 a3; do \
		for precision in float32 float16 dynamic; do \
			$(BIN)/movistream convert --force $(EXPORTED)/$$name/ckpt-1 --precision $$precision \
				-o $(EXPORTED)/$$name.$$precision.tflite > /dev/null || exit 1; \
		done; \
		$(BIN)/movistream convert --force $(EXPORTED)/$$name/ckpt-1 --precision int8 --calibrate $(EXPORTED)/clip.mp4 \
			-o $(EXPORTED)/$$name.int8.tflite > /dev/null || exit 1; \
		$(BIN)/movistream bench --rounds 15 --frames 10 \
			--published $(EXPORTED)/$${name}_f32.tflite --published $(EXPORTED)/$${name}_int8.tflite \
			$(EXPORTED)/$$name.float32.tflite $(EXPORTED)/$$name.float16.tflite \
			$(EXPORTED)/$$name.dynamic.tflite $(EXPORTED)/$$name.int8.tflite || exit 1; \
	done

bench-arm: peers ## instructions of a Cortex-A76 per frame, in an emulator (Debian 12 on x86-64)
	$(BIN)/movistream bench-arm --folder build/arm $(OWN) build/peers/k600.int8.tflite $(PUBLISHED) \
		--published $(REFERENCE_DATA)/peers/official_k600_a0_stream_int8.tflite

bench-arm-pipeline: peers $(PIPELINE)/made ## the same for a second of video, from packets to logits: three sizes, three codecs
	$(BIN)/movistream bench-arm --folder build/arm build/peers/k600.int8.tflite $(addprefix --pipeline ,$(PIPELINE_CLIPS))

arm-install: $(INSTALLED) ## install on an emulated Raspberry Pi 5 from its wheels, run the demo, serve it, benchmark
	$(BIN)/movistream bench-arm --folder build/arm --frames 1 $(BUILT_IN_MODELS)/$(MODEL).tflite
	bash benchmarks/arm_install.sh build/arm

paper-table: $(INSTALLED) ## what MoViNets and X3D cost, beside the published figures
	$(BIN)/python -m movistream_converters.networks.paper_table

# Photographs and videos, fetched; and what the models that come with the runtime are made of.
FOOTAGE = build/footage
TRAINING_MODULE = TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m movistream_training
# Every stage: none of these networks is so noisy in int8 that it would have to stay float.
BUILT_IN_INT8 = --precision int8 --stage-noise 1

# Which of them: camera-motion or camera-motion-small.
MODEL = camera-motion
CAMERA_MOTION = build/camera-motion
CAMERA_MOTION_RUN = $(CAMERA_MOTION)/$(MODEL)
CAMERA_MOTION_DATA = training/movistream_training/camera_motion/data
CAMERA_MOTION_WEIGHTS = $(CAMERA_MOTION_DATA)/$(MODEL).safetensors
CAMERA_MOTION_MODULE = $(TRAINING_MODULE).camera_motion

camera-motion: $(INSTALLED) ## train a camera-motion model (MODEL) from nothing and judge it (Debian 12)
	$(TRAINING_MODULE).footage.fetching $(FOOTAGE)
	$(CAMERA_MOTION_MODULE).training $(FOOTAGE) $(CAMERA_MOTION_RUN) --arch $(CAMERA_MOTION_DATA)/$(MODEL).txt
	$(MAKE) judge-camera-motion MODEL=$(MODEL) CAMERA_MOTION_WEIGHTS=$(CAMERA_MOTION_RUN)/weights.safetensors

# The shell finds the files: before the recipe has run, they may not be there.
JUDGED_PICTURES = $(patsubst %,$(FOOTAGE)/%/*,mate-backgrounds scikit-learn) \
	$(patsubst %,$(FOOTAGE)/scikit-image/%,astronaut.png rocket.jpg chelsea.png coffee.png)
JUDGED_VIDEOS = $(patsubst %,$(FOOTAGE)/opencv-doc/%,vtest.avi tree.avi) \
	$(wildcard $(CLIPS)/bottle_detection.mp4 $(CLIPS)/asl_gestures/*.mkv)

judge-camera-motion: $(INSTALLED) ## judge a camera-motion model (MODEL) that comes with the package
	@mkdir -p $(CAMERA_MOTION_RUN)
	$(TRAINING_MODULE).footage.fetching $(FOOTAGE)
	rm -rf $(CAMERA_MOTION)/calibration $(CAMERA_MOTION)/held-out
	$(CAMERA_MOTION_MODULE).calibration $(CAMERA_MOTION)/calibration
	$(CAMERA_MOTION_MODULE).held_out $(CAMERA_MOTION)/held-out/photographs $(JUDGED_PICTURES)
	$(CAMERA_MOTION_MODULE).held_out $(CAMERA_MOTION)/held-out/videos $(JUDGED_VIDEOS)
	$(BIN)/movistream convert --force $(CAMERA_MOTION_WEIGHTS) -o $(CAMERA_MOTION_RUN)/float32.tflite > /dev/null
	$(BIN)/movistream convert --force $(CAMERA_MOTION_WEIGHTS) $(BUILT_IN_INT8) \
		--calibrate $(CAMERA_MOTION)/calibration -o $(CAMERA_MOTION_RUN)/int8.tflite
	for data in photographs videos; do \
		for precision in float32 int8; do \
			$(BIN)/movistream evaluate $(CAMERA_MOTION_RUN)/$$precision.tflite \
				$(CAMERA_MOTION)/held-out/$$data --warm-up 10 \
				--plot $(CAMERA_MOTION_RUN)/$$data-$$precision.png || exit 1; \
		done; \
		$(CAMERA_MOTION_MODULE).control $(CAMERA_MOTION_RUN)/int8.tflite $(CAMERA_MOTION)/held-out/$$data || exit 1; \
	done
	cp $(CAMERA_MOTION_DATA)/natural.csv $(FOOTAGE)/
	$(BIN)/movistream evaluate $(CAMERA_MOTION_RUN)/int8.tflite $(FOOTAGE)/natural.csv --warm-up 10

CAMERA_HEALTH = build/camera-health
CAMERA_HEALTH_WEIGHTS = training/movistream_training/camera_health/data/camera-health.safetensors
CAMERA_HEALTH_MODULE = $(TRAINING_MODULE).camera_health
CAMERA_HEALTH_LEARNT = $(FOOTAGE)/opencv-doc/*.jpg $(FOOTAGE)/opencv-doc/*.png
CAMERA_HEALTH_CONVERT = $(BIN)/movistream convert --force $(BUILT_IN_INT8) --calibrate $(CAMERA_HEALTH)/calibration

camera-health: $(INSTALLED) ## train the camera-health model from nothing, choose its thresholds and judge it (Debian 12)
	$(TRAINING_MODULE).footage.fetching $(FOOTAGE)
	$(CAMERA_HEALTH_MODULE).training $(FOOTAGE) $(CAMERA_HEALTH)
	rm -rf $(CAMERA_HEALTH)/calibration $(CAMERA_HEALTH)/learnt $(CAMERA_HEALTH)/healthy
	$(CAMERA_HEALTH_MODULE).calibration $(CAMERA_HEALTH)/calibration
	$(CAMERA_HEALTH_CONVERT) $(CAMERA_HEALTH)/weights.safetensors -o $(CAMERA_HEALTH)/int8.tflite
	$(CAMERA_HEALTH_MODULE).held_out $(CAMERA_HEALTH)/learnt $(CAMERA_HEALTH_LEARNT) --minutes 3 --seed 2
	$(CAMERA_HEALTH_MODULE).held_out $(CAMERA_HEALTH)/healthy $(CAMERA_HEALTH_LEARNT) --minutes 3 --seed 3 --healthy
	$(CAMERA_HEALTH_MODULE).thresholds $(CAMERA_HEALTH)/int8.tflite $(CAMERA_HEALTH)/weights.safetensors \
		$(CAMERA_HEALTH)/learnt/recordings.csv $(CAMERA_HEALTH)/healthy/recordings.csv
	$(MAKE) judge-camera-health CAMERA_HEALTH_WEIGHTS=$(CAMERA_HEALTH)/weights.safetensors

judge-camera-health: $(INSTALLED) ## judge the camera-health model that comes with the package
	@mkdir -p $(CAMERA_HEALTH)
	$(TRAINING_MODULE).footage.fetching $(FOOTAGE)
	rm -rf $(CAMERA_HEALTH)/calibration $(CAMERA_HEALTH)/held-out
	$(CAMERA_HEALTH_MODULE).calibration $(CAMERA_HEALTH)/calibration
	$(CAMERA_HEALTH_MODULE).held_out $(CAMERA_HEALTH)/held-out/photographs $(JUDGED_PICTURES)
	$(CAMERA_HEALTH_MODULE).held_out $(CAMERA_HEALTH)/held-out/videos $(JUDGED_VIDEOS)
	$(CAMERA_HEALTH_MODULE).natural $(CAMERA_HEALTH)/held-out/natural $(JUDGED_VIDEOS)
	$(BIN)/movistream convert --force $(CAMERA_HEALTH_WEIGHTS) -o $(CAMERA_HEALTH)/float32.tflite > /dev/null
	$(CAMERA_HEALTH_CONVERT) $(CAMERA_HEALTH_WEIGHTS) -o $(CAMERA_HEALTH)/int8.tflite
	for data in photographs videos; do \
		for precision in float32 int8; do \
			$(BIN)/movistream evaluate $(CAMERA_HEALTH)/$$precision.tflite $(CAMERA_HEALTH)/held-out/$$data/recordings.csv \
				--events || exit 1; \
		done; \
		$(BIN)/movistream evaluate $(CAMERA_HEALTH)/int8.tflite $(CAMERA_HEALTH)/held-out/$$data/recordings.csv --shuffled || exit 1; \
	done
	$(BIN)/movistream evaluate $(CAMERA_HEALTH)/int8.tflite $(CAMERA_HEALTH)/held-out/natural/recordings.csv --events

BUILT_IN = build/built-in-models
BUILT_IN_MODELS = sdk/movistream/file/models

built-in-models: $(INSTALLED) ## write the int8 files that come with the runtime, and print their digests
	rm -rf $(BUILT_IN)
	for room in camera_motion camera_health; do \
		$(TRAINING_MODULE).$$room.calibration $(BUILT_IN)/calibration/$$room || exit 1; \
		for weights in training/movistream_training/$$room/data/*.safetensors; do \
			$(BIN)/movistream convert $$weights $(BUILT_IN_INT8) --calibrate $(BUILT_IN)/calibration/$$room \
				-o $(BUILT_IN)/$$(basename $$weights .safetensors).tflite || exit 1; \
		done; \
	done
	cp $(BUILT_IN)/*.tflite $(BUILT_IN_MODELS)/
	@for file in $(BUILT_IN)/*.tflite; do \
		$(BIN)/movistream inspect $$file --json | sed -n "s|.*\"digest\": \"\(.*\)\"|$$file: \1|p"; \
	done; echo "They belong into sdk/movistream/file/names.py."

ANDROID = build/android
ANDROID_MODELS = $(patsubst %,$(ANDROID)/models/camera-motion.%.tflite,float32 int8)

$(ANDROID)/models/camera-motion.%.tflite: $(CAMERA_MOTION_WEIGHTS) | $(INSTALLED)
	@mkdir -p $(@D)
	$(CAMERA_MOTION_MODULE).calibration $(@D)/calibration-$* > /dev/null
	$(BIN)/movistream convert --force $(CAMERA_MOTION_WEIGHTS) $(if $(filter int8,$*),$(BUILT_IN_INT8) --calibrate $(@D)/calibration-$*,--precision $*) -o $@ > /dev/null

android-check: $(INSTALLED) $(ANDROID_MODELS) ## test the Android demo without a phone (x86-64 Debian 12)
	bash android_demo/checks/check.sh $(ANDROID) $(BIN)/python $(ANDROID_MODELS)

NETWORK_SCHEMA = converters/movistream_converters/ir/network.schema.json

schema: $(INSTALLED) ## write the JSON schemas of manifests and of networks from their classes
	$(BIN)/python -c 'import json; from movistream.file.manifest import json_schema; \
		print(json.dumps(json_schema(), indent=2))' > sdk/movistream/file/manifest.schema.json
	$(BIN)/python -c 'import json; from movistream_converters.ir.document import json_schema; \
		print(json.dumps(json_schema(), indent=2))' > $(NETWORK_SCHEMA)

clean: ## remove what was built, environments included
	rm -rf $(VENV) $(VENV_DEMO) $(VENV_LOCKED) $(VENV_TFLITE_RUNTIME) $(VENV_MODEL_GARDEN) $(VENV_CLUSTER) $(OUTPUT) build dist *.egg-info \
		.hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
