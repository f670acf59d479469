using System.Diagnostics;
using MySqlConnector;
using WolfScale.Bench.Setups;

namespace WolfScale.Bench;

/// <summary>
/// Runs the set-ups in turns. In each round each set-up starts on fresh data, is loaded, and is gone before the next one starts; the order
/// shifts by one from round to round, so that a machine that grows slower or faster favours none.
/// </summary>
internal sealed class Comparison(BenchOptions options, TextWriter progress)
{
    /// <summary>Load before the first measurement of a set-up: caches fill, code is compiled, logs reach their size.</summary>
    private const int WarmUpSeconds = 4;

    private const int WarmUpThreads = 16;

    private readonly Sysbench _sysbench = new(options.Tables, options.TableRows);
    private readonly List<Measurement> _measurements = [];

    /// <summary>Names of the set-ups that took part, by key.</summary>
    public SortedDictionary<char, string> Names { get; } = [];

    public async Task<IReadOnlyList<Measurement>> RunAsync(CancellationToken cancellationToken)
    {
        for (var round = 1; round <= options.Rounds; round++)
        {
            for (var i = 0; i < options.Only.Count; i++)
            {
                var key = options.Only[(i + round - 1) % options.Only.Count];
                await RunSetupAsync(key, round, cancellationToken);
            }
        }

        return _measurements;
    }

    private async Task RunSetupAsync(char key, int round, CancellationToken cancellationToken)
    {
        var directory = Path.Combine(options.Directory, key.ToString());
        await using (var setup = Create(key, directory))
        {
            Names[key] = setup.Name;
            await progress.WriteLineAsync($"round {round} of {options.Rounds}: ({key}) {setup.Name}");
            var target = await setup.StartAsync(cancellationToken);
            await CheckSettingsAsync(target, setup, cancellationToken);
            await _sysbench.PrepareAsync(target, cancellationToken);
            await setup.DrainAsync(cancellationToken);
            foreach (var workload in options.Workloads)
            {
                var warmUp = Math.Min(WarmUpSeconds, options.Seconds);
                _ = await _sysbench.RunAsync(workload, target, WarmUpThreads, warmUp, cancellationToken);
                await setup.DrainAsync(cancellationToken);
                foreach (var threads in options.Threads)
                    await MeasureAsync(setup, target, workload, threads, round, cancellationToken);
            }
        }

        if (!options.Keep)
            System.IO.Directory.Delete(directory, recursive: true);
    }

    private async Task MeasureAsync(ISetup setup, Target target, string workload, int threads, int round, CancellationToken cancellationToken)
    {
        var before = ProcessorTime.Of(setup.Parts);
        var load = await _sysbench.RunAsync(workload, target, threads, options.Seconds, cancellationToken);
        var ended = Stopwatch.GetTimestamp();
        await setup.DrainAsync(cancellationToken);
        var drain = Stopwatch.GetElapsedTime(ended).TotalSeconds;
        var after = ProcessorTime.Of(setup.Parts);
        var cpu = after.ToDictionary(p => p.Key, p => (p.Value - before[p.Key]) * 1e6 / Math.Max(1, load.Transactions));
        _measurements.Add(new Measurement(setup.Key, workload, threads, round, load, drain, cpu));
        await progress.WriteLineAsync(
            $"  {workload,-15} {threads,3} threads  {load.Tps,8:F0} tps  mean {load.MeanMs,6:F2} ms  p95 {load.PercentileMs,6:F2} ms"
            + $"  replicas after {drain:F1} s  cpu us/tx: {string.Join(", ", cpu.Select(c => $"{c.Key} {c.Value:F0}"))}");
    }

    private ISetup Create(char key, string directory)
    {
        if (System.IO.Directory.Exists(directory))
            System.IO.Directory.Delete(directory, recursive: true);
        var template = Path.Combine(options.Directory, "template");
        return key switch
        {
            'a' => new SingleServer(directory, template, options.BasePort),
            'b' => new SemiSync(directory, template, options.BasePort),
            'c' => new Galera(directory, template, options.BasePort, options.GaleraBinlog),
            'd' => new WolfScaleDemo(directory, options.BasePort, options.WolfScale, 3, options.DemoSettings),
            _ => throw new ArgumentOutOfRangeException(nameof(key), key, "The set-ups are a, b, c and d."),
        };
    }

    /// <summary>Every server under load must sync at each commit, or the comparison would be one of settings.</summary>
    private static async Task CheckSettingsAsync(Target target, ISetup setup, CancellationToken cancellationToken)
    {
        var text = new MySqlConnectionStringBuilder
        {
            Server = target.Host,
            Port = (uint)target.Port,
            UserID = target.User,
            Password = target.Password,
            Pooling = false,
        };
        await using var connection = new MySqlConnection(text.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText =
            "SELECT CONCAT_WS(' ', @@sync_binlog, @@innodb_flush_log_at_trx_commit, @@innodb_buffer_pool_size, @@innodb_log_file_size)";
        const string Expected = "1 1 134217728 100663296";
        var actual = (await command.ExecuteScalarAsync(cancellationToken))?.ToString();
        if (actual != Expected)
        {
            throw new InvalidOperationException(
                $"({setup.Key}) runs with sync_binlog, flush_log, buffer pool, redo log = {actual}; the comparison wants {Expected} of all.");
        }
    }
}
