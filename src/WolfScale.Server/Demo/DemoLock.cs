using WolfScale.Server.Cli;

namespace WolfScale.Server.Demo;

/// <summary>Held by the verbs that change a demo, so that two of them at once do not lose each other's process ids.</summary>
internal sealed class DemoLock : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly FileStream _file;

    private DemoLock(FileStream file) => _file = file;

    public static async Task<DemoLock> TakeAsync(string dir, CancellationToken cancellationToken)
    {
        var path = Path.Combine(dir, "demo.lock");
        var until = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (true)
        {
            try
            {
                return new DemoLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException) when (Environment.TickCount64 < until)
            {
                _ = await poll.WaitForNextTickAsync(cancellationToken);
            }
            catch (IOException e)
            {
                throw new RefusedException($"Another demo command works on {dir}: {e.Message}", ExitCode.Unknown);
            }
        }
    }

    public void Dispose() => _file.Dispose();
}
