using System.Globalization;
using WolfScale.Bench.Setups;

namespace WolfScale.Bench;

/// <summary>Processor time of a set-up's processes, by part, as the kernel counts them (proc(5)).</summary>
internal static class ProcessorTime
{
    /// <summary>Clock ticks a second in /proc: 100 on every Linux that .NET runs on.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>Seconds of processor time (user and system) so far, summed by part. A process that is gone counts as nothing.</summary>
    public static Dictionary<string, double> Of(IEnumerable<Part> parts) =>
        parts.GroupBy(p => p.Name).ToDictionary(g => g.Key, g => g.Sum(p => Seconds(p.ProcessId)));

    private static double Seconds(int processId)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
            // The command's name may hold blanks; it ends at the last ')'. Then utime and stime are the 12th and 13th fields.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
