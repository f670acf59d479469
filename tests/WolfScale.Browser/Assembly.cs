using System.Runtime.Versioning;
using Xunit.Sdk;
using Xunit.v3;

// Two cores carry three servers, three nodes and a browser.
[assembly: Parallelization(Mode = ParallelMode.None)]

// Signals, sockets and /proc: WolfScale runs on Linux.
[assembly: SupportedOSPlatform("linux")]
