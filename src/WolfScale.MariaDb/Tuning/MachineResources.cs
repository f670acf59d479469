using System.Globalization;

namespace WolfScale.MariaDb.Tuning;

/// <summary>What a server on this machine may count on.</summary>
/// <param name="MemoryBytes">Memory: the machine's, or a smaller limit.</param>
/// <param name="Cores">Processors.</param>
/// <param name="MemoryIsFrom">Where the first comes from, for people.</param>
public sealed record MachineResources(long MemoryBytes, int Cores, string MemoryIsFrom)
{
    /// <summary>More than any machine has: cgroups write their "no limit" as a large number in version 1, and as "max" in version 2.</summary>
    private const long NoLimit = 1L << 60;

    /// <summary>This machine, or the container that this process runs in.</summary>
    public static MachineResources OfThisMachine() => Read("/", Environment.ProcessorCount);

    /// <param name="root">Where /proc and /sys are.</param>
    /// <param name="cores">The runtime heeds affinity and the cgroup's quota.</param>
    internal static MachineResources Read(string root, int cores)
    {
        var total = MemoryTotal(Path.Combine(root, "proc/meminfo"));
        var limits = CgroupLimits(root).Where(l => l.Bytes is > 0 and < NoLimit).ToList();
        return limits.Count > 0 && limits.MinBy(l => l.Bytes) is var (file, bytes) && (total is null || bytes < total)
            ? new MachineResources(bytes, cores, $"the limit of this container ({file})")
            : new MachineResources(total ?? 1L << 30, cores, total is null ? "assumed: /proc/meminfo cannot be read" : "this machine");
    }

    private static long? MemoryTotal(string file) =>
        Lines(file).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault(w => w is ["MemTotal:", ..]) is [_, var number, ..]
        && long.TryParse(number, CultureInfo.InvariantCulture, out var kilobytes) ? kilobytes << 10 : null;

    /// <summary>The limits of this process's group and of those around it: the smallest holds. A service's own limit is asked of its manager.</summary>
    private static IEnumerable<(string File, long Bytes)> CgroupLimits(string root)
    {
        var paths = Lines(Path.Combine(root, "proc/self/cgroup")).Select(l => l.Split(':', 3)).Where(p => p.Length == 3).ToList();
        foreach (var (folder, name, path) in paths.Select(p => p[0] == "0"
            ? ("sys/fs/cgroup", "memory.max", p[2])
            : p[1].Split(',').Contains("memory") ? ("sys/fs/cgroup/memory", "memory.limit_in_bytes", p[2]) : ("", "", "")))
        {
            if (folder.Length == 0)
                continue;
            var group = path.Trim('/');
            while (true)
            {
                var file = Path.Combine(root, folder, group, name);
                if (Lines(file) is [var text, ..] && long.TryParse(text, CultureInfo.InvariantCulture, out var bytes))
                    yield return (file, bytes);
                if (group.Length == 0)
                    break;
                group = Path.GetDirectoryName(group) ?? "";
            }
        }
    }

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
