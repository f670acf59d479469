using System.Runtime.Versioning;
using Xunit.Sdk;
using Xunit.v3;

// Two cores carry three servers, three nodes and the load: tests that ran side by side would measure one another.
[assembly: Parallelization(Mode = ParallelMode.None)]

// Signals, sockets and /proc: WolfScale runs on Linux.
[assembly: SupportedOSPlatform("linux")]
