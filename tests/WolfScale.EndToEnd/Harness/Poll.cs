using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using MySqlConnector;

namespace WolfScale.EndToEnd.Harness;

/// <summary>
/// Awaits an observable state of a running cluster, bounded in time. A probe says what is still missing, so that a test that waits in
/// vain ends with what it last saw and not with "timed out".
/// </summary>
internal static class Poll
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Runs <paramref name="missing"/> until it returns null: nothing is missing any more. What a server or node that is down, starting or
    /// frozen answers (or fails to answer for 5 s) counts as missing.
    /// </summary>
    /// <returns>The time it took.</returns>
    /// <exception cref="TimeoutException">Not reached within <paramref name="within"/>; the message ends with what was still missing.</exception>
    public static async Task<TimeSpan> UntilAsync(string what, TimeSpan within, Func<Task<string?>> missing, TimeSpan? interval = null)
    {
        var clock = Stopwatch.StartNew();
        using var ticks = new PeriodicTimer(interval ?? Interval);
        while (true)
        {
            var seen = await TryAsync(missing);
            if (seen is null)
                return clock.Elapsed;
            if (clock.Elapsed > within)
                throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"Waited {within.TotalSeconds:0.#} s for {what}. Last seen: {seen}"));
            await ticks.WaitForNextTickAsync();
        }
    }

    /// <summary>
    /// The contrary of <see cref="UntilAsync"/>: looks at <paramref name="violation"/> for the whole of <paramref name="during"/> and fails
    /// as soon as it returns a text.
    /// </summary>
    public static async Task NeverAsync(string what, TimeSpan during, Func<Task<string?>> violation)
    {
        var clock = Stopwatch.StartNew();
        using var ticks = new PeriodicTimer(Interval);
        while (clock.Elapsed < during)
        {
            if (await violation() is { } seen)
                Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"{what}, yet after {clock.Elapsed.TotalSeconds:0.00} s: {seen}"));
            await ticks.WaitForNextTickAsync();
        }
    }

    private static async Task<string?> TryAsync(Func<Task<string?>> missing)
    {
        try
        {
            return await missing().WaitAsync(TimeSpan.FromSeconds(5));
        }
        catch (Exception e) when (e is MySqlException or HttpRequestException or IOException or SocketException or JsonException
            or TimeoutException or OperationCanceledException)
        {
            return $"{e.GetType().Name}: {e.Message}";
        }
    }
}
