// A worker process: one instance of one stage. Its main function, called by the program's main when the
// hidden first argument says so.
#pragma once

namespace streamrun {

/// argv[1] of a worker; argv[0] is its title, argv[2] the supervisor's process id. Descriptor 3 is its
/// control channel, descriptor 4 the memory of the time board.
inline constexpr char kWorkerArgument[] = "__worker";
inline constexpr int kControlDescriptor = 3;
inline constexpr int kTimesDescriptor = 4;

bool IsWorker(int argc, char** argv);
/// Runs until the supervisor says EXIT or goes away; returns the exit code. The process must have one thread.
int WorkerMain(int argc, char** argv);

}  // namespace streamrun
