using System.Runtime.Versioning;
using Xunit.Sdk;
using Xunit.v3;

// Two programs at a time: the cluster and they share the machine, and each has a database of its own.
[assembly: Parallelization(Mode = ParallelMode.All, MaxThreads = 2)]

// Signals, sockets and /proc: WolfScale runs on Linux.
[assembly: SupportedOSPlatform("linux")]
