#!/bin/bash
# One search on a Ray cluster made of this job's nodes. Adapt the lines marked (*), then: sbatch slurm.sh
#SBATCH --job-name=ranknosh
#SBATCH --nodes=4                  # (*)
#SBATCH --ntasks-per-node=1        # one `ray start` a node; Ray divides the node itself
#SBATCH --cpus-per-task=16         # (*)
#SBATCH --gpus-per-node=4          # (*) delete this line on nodes without GPUs
#SBATCH --time=24:00:00            # (*)
#SBATCH --signal=B:TERM@300        # 300 s before the end: finish the running epochs, save, and queue this job again
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

CONFIG=search.yaml                 # (*)
RUNS=$HOME/runs                    # (*) on storage that every node sees: checkpoints are kept below it
NAME=big                           # (*)
source "$HOME/ranknosh/.venv/bin/activate"  # (*) the same Python, ray and torch on every node

read -r head_node < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
read -r head_ip _ < <(getent ahostsv4 "$head_node")
port=$((20000 + SLURM_JOB_ID % 10000))  # two jobs on one node do not meet
address=$head_ip:$port
export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK  # srun does not take it over by itself since Slurm 22.05
export RAY_USAGE_STATS_ENABLED=0

# Slurm ends these steps with the script, and Ray with them.
srun --nodes=1 --ntasks=1 --nodelist="$head_node" \
  ray start --head --block --node-ip-address="$head_ip" --port="$port" --num-cpus="$SLURM_CPUS_PER_TASK" \
  --include-dashboard=false &

for _ in $(seq 60); do
  ray status --address="$address" > /dev/null 2>&1 && break
  sleep 2
done
ray status --address="$address" > /dev/null || { echo "the Ray head on $head_node did not start" >&2; exit 1; }

if ((SLURM_JOB_NUM_NODES > 1)); then
  srun --nodes=$((SLURM_JOB_NUM_NODES - 1)) --ntasks=$((SLURM_JOB_NUM_NODES - 1)) --exclude="$head_node" \
    ray start --block --address="$address" --num-cpus="$SLURM_CPUS_PER_TASK" &
fi

# The driver runs here, on the head's node. It is a job of the shell's, so that the shell can pass Slurm's signal on.
if [ -e "$RUNS/$NAME/journal.jsonl" ]; then
  ranknosh resume "$RUNS/$NAME" --ray "$address" &
else
  ranknosh search "$CONFIG" --out "$RUNS" --name "$NAME" --ray "$address" &
fi
driver=$!
trap 'kill -TERM "$driver" 2> /dev/null || true' TERM
code=0
wait "$driver" || code=$?
while kill -0 "$driver" 2> /dev/null; do # a signal ends `wait` before the driver has ended
  code=0
  wait "$driver" || code=$?
done

if ((code == 130)); then # interrupted, with everything saved
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
