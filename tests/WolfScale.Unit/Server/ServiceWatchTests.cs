using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WolfScale.Server.Service;

namespace WolfScale.Unit.Server;

/// <summary>What systemd hears of a service, and what it does not hear of one that hangs.</summary>
public sealed class ServiceWatchTests
{
    private static readonly TimeSpan Half = TimeSpan.FromSeconds(2);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeManager _manager = new();

    [Fact]
    public async Task A_program_that_serves_is_ready_and_gives_signs_of_life_at_half_the_interval()
    {
        await using var watch = new ServiceWatch(_manager, _time);
        using var watched = watch.Watch(new FakeProgram("LEADER"));
        Assert.Equal("READY=1\nSTATUS=LEADER", await _manager.ToldAsync());

        for (var i = 0; i < 3; i++)
        {
            _time.Advance(Half);
            Assert.Equal("STATUS=LEADER\nWATCHDOG=1", await _manager.ToldAsync());
        }

        watch.Stopping();
        watch.Stopping(); // a second signal
        Assert.Equal("STOPPING=1\nSTATUS=Stopping", await _manager.ToldAsync());
        _time.Advance(Half);
        Assert.Equal("WATCHDOG=1", await _manager.ToldAsync()); // an end has a limit of its own
    }

    [Fact]
    public async Task For_a_program_that_hangs_nothing_is_said_until_it_goes_on()
    {
        await using var watch = new ServiceWatch(_manager, _time);
        var program = new FakeProgram("FOLLOWER") { Hangs = true };
        using var watched = watch.Watch(program);
        _ = await _manager.ToldAsync();

        _time.Advance(Half);
        await program.Asked.WaitAsync(TimeSpan.FromSeconds(30));
        _time.Advance(10 * Half);
        Assert.False(_manager.HasMore);

        program.GoOn();
        Assert.Equal("STATUS=FOLLOWER\nWATCHDOG=1", await _manager.ToldAsync());
    }

    [Fact]
    public async Task A_program_that_hangs_and_is_told_to_end_may_take_its_time()
    {
        await using var watch = new ServiceWatch(_manager, _time);
        var program = new FakeProgram("FOLLOWER") { Hangs = true };
        using var watched = watch.Watch(program);
        _ = await _manager.ToldAsync();
        _time.Advance(Half);
        await program.Asked.WaitAsync(TimeSpan.FromSeconds(30));

        watch.Stopping();
        Assert.Equal("STOPPING=1\nSTATUS=Stopping", await _manager.ToldAsync());
        await program.Released.WaitAsync(TimeSpan.FromSeconds(30));
        _time.Advance(Half);
        Assert.Equal("WATCHDOG=1", await _manager.ToldAsync());
    }

    [Fact]
    public async Task Between_two_programs_signs_of_life_go_on_and_the_second_is_not_ready_again()
    {
        await using var watch = new ServiceWatch(_manager, _time);
        watch.Watch(new FakeProgram("one")).Dispose();
        Assert.Equal("READY=1\nSTATUS=one", await _manager.ToldAsync());
        _time.Advance(Half);
        Assert.Equal("WATCHDOG=1", await _manager.ToldAsync());

        using var second = watch.Watch(new FakeProgram("two"));
        _time.Advance(Half);
        Assert.Equal("STATUS=two\nWATCHDOG=1", await _manager.ToldAsync());
    }

    [Fact]
    public async Task Without_a_watchdog_the_status_alone_is_told()
    {
        _manager.Watchdog = null;
        await using var watch = new ServiceWatch(_manager, _time);
        using var watched = watch.Watch(new FakeProgram("LEADER"));
        _ = await _manager.ToldAsync();

        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal("STATUS=LEADER", await _manager.ToldAsync());
    }

    [Theory]
    [InlineData("60000000", "", 60)]
    [InlineData("60000000", "7", 60)]
    [InlineData("60000000", "8", 0)] // another process is watched
    [InlineData("0", "", 0)]
    [InlineData("soon", "", 0)]
    [InlineData(null, null, 0)]
    public void The_watchdog_is_for_the_process_that_is_named(string? microseconds, string? process, int seconds) =>
        Assert.Equal(seconds == 0 ? null : TimeSpan.FromSeconds(seconds), NotifySocket.WatchdogOf(microseconds, process, own: 7));

    /// <summary>Both kinds of address that systemd gives, and one at which nobody listens: that is a line in the log, and no reason to end.</summary>
    [Fact]
    public async Task The_socket_is_told_and_children_are_not_to_speak_for_it()
    {
        using var folder = new TempFolder("notify");
        try
        {
            foreach (var name in (string[])[Path.Combine(folder.Path, "s"), $"@{folder.Path}"])
            {
                using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
                manager.Bind(new UnixDomainSocketEndPoint(name.Replace('@', '\0')));
                Environment.SetEnvironmentVariable("NOTIFY_SOCKET", name);
                using var socket = NotifySocket.Open(NullLogger.Instance)!;
                Assert.Null(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"));

                socket.Tell("STATUS=ž\nWATCHDOG=1");

                var buffer = new byte[100];
                var length = await manager.ReceiveAsync(buffer);
                Assert.Equal("STATUS=ž\nWATCHDOG=1", Encoding.UTF8.GetString(buffer, 0, length));
            }

            Environment.SetEnvironmentVariable("NOTIFY_SOCKET", Path.Combine(folder.Path, "nobody"));
            using var deaf = NotifySocket.Open(NullLogger.Instance)!;
            deaf.Tell("READY=1");
        }
        finally
        {
            Environment.SetEnvironmentVariable("NOTIFY_SOCKET", null);
        }
    }

    private sealed class FakeManager : IServiceManager
    {
        private readonly Channel<string> _told = Channel.CreateUnbounded<string>();

        public TimeSpan? Watchdog { get; set; } = 2 * Half;

        public bool HasMore => _told.Reader.TryPeek(out _);

        public void Tell(string state) => _ = _told.Writer.TryWrite(state);

        public Task<string> ToldAsync() => _told.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
    }

    private sealed class FakeProgram(string summary) : IWatchedProgram
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _goesOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Hangs { get; init; }

        public string Summary => summary;

        public Task Asked => _asked.Task;

        public Task Released => _released.Task;

        public void GoOn() => _goesOn.SetResult();

        public async Task PassAsync(CancellationToken cancellationToken)
        {
            _ = _asked.TrySetResult();
            try
            {
                if (Hangs)
                    await _goesOn.Task.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                _released.SetResult();
                throw;
            }
        }
    }
}
