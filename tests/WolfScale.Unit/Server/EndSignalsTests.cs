using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Client;
using WolfScale.Server.Cli;
using WolfScale.Server.Http;

namespace WolfScale.Unit.Server;

/// <summary>What a program makes of SIGHUP at any time of its life.</summary>
public sealed class EndSignalsTests : IDisposable
{
    private readonly EndSignals _signals = new(NullLogger.Instance);
    private readonly CountingReload _program = new();

    public void Dispose() => _signals.Dispose();

    [Fact]
    public void What_comes_while_the_program_starts_is_made_up_for_once()
    {
        _signals.HangUp();
        _signals.HangUp();
        _signals.Runs(_program);
        Assert.Equal(1, _program.Reloads);

        _signals.HangUp();
        Assert.Equal(2, _program.Reloads);
    }

    [Fact]
    public void A_program_that_starts_anew_reads_only_what_it_has_not_read()
    {
        _signals.Runs(_program);
        _signals.HangUp();
        _signals.Runs(null);
        _signals.Runs(_program);
        Assert.Equal(1, _program.Reloads);

        _signals.Runs(null);
        _signals.HangUp();
        Assert.Equal(1, _program.Reloads);
        _signals.Runs(_program);
        Assert.Equal(2, _program.Reloads);
    }

    [Fact]
    public void What_goes_wrong_ends_nothing()
    {
        _program.Fault = new IOException("gone");
        _signals.Runs(_program);
        _signals.HangUp();
        _program.Fault = new RefusedException("not valid");
        _signals.HangUp();
        Assert.Equal(2, _program.Reloads);
        Assert.False(_signals.Token.IsCancellationRequested);
    }

    private sealed class CountingReload : IReload
    {
        public int Reloads { get; private set; }

        public Exception? Fault { get; set; }

        public ReloadDocument Reload()
        {
            Reloads++;
            return Fault is null ? new ReloadDocument("node-1", [], [], []) : throw Fault;
        }
    }
}
