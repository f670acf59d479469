using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using WolfScale.Proxy.Net;

namespace WolfScale.Unit.Proxy;

/// <summary>A loop, and connections on it whose other ends are the test's.</summary>
internal sealed class LoopKit : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _peers = [];

    public LoopKit(TimeProvider? time = null)
    {
        _listener.Start();
        Loop = new EventLoop("test", time ?? TimeProvider.System, fault => Faults.Writer.TryWrite(fault));
    }

    public static CancellationToken Deadline => new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;

    public EventLoop Loop { get; }

    public Channel<Exception> Faults { get; } = Channel.CreateUnbounded<Exception>();

    public EndPoint Address => _listener.LocalEndpoint;

    /// <summary>Runs on the loop's thread.</summary>
    public Task<T> On<T>(Func<T> action)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.Post(() =>
        {
            try
            {
                done.SetResult(action());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task.WaitAsync(Deadline);
    }

    public Task On(Action action) => On(() =>
    {
        action();
        return 0;
    });

    /// <summary>Keeps the loop from looking until it is disposed of: what happens meanwhile, happens at once.</summary>
    public IDisposable Pause()
    {
        var gate = new ManualResetEventSlim();
        var reached = new ManualResetEventSlim();
        Loop.Post(() =>
        {
            reached.Set();
            Assert.True(gate.Wait(TimeSpan.FromSeconds(30)));
        });
        Assert.True(reached.Wait(TimeSpan.FromSeconds(30)));
        return new Release(gate);
    }

    public async Task<(Recorder Here, Socket There)> Pair()
    {
        var here = await On(() => new Recorder(Loop, Libc.Connect(Address)));
        return (here, await Accept());
    }

    public async Task<Socket> Accept()
    {
        var there = await _listener.AcceptSocketAsync(Deadline);
        _peers.Add(there);
        return there;
    }

    public void Dispose()
    {
        Loop.Dispose();
        _listener.Dispose();
        _peers.ForEach(static peer => peer.Dispose());
    }

    private sealed class Release(ManualResetEventSlim gate) : IDisposable
    {
        public void Dispose() => gate.Set();
    }
}

/// <summary>A connection that writes down what it hears.</summary>
internal sealed class Recorder : Connection
{
    private readonly TaskCompletionSource _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Recorder(EventLoop loop, int descriptor)
        : base(loop, descriptor) => Descriptor = descriptor;

    /// <summary>What was received; an empty array at the end of the stream.</summary>
    public Channel<byte[]> Received { get; } = Channel.CreateUnbounded<byte[]>();

    public Channel<int> Writable { get; } = Channel.CreateUnbounded<int>();

    public Channel<Exception> Faults { get; } = Channel.CreateUnbounded<Exception>();

    public Task Broken => _broken.Task.WaitAsync(LoopKit.Deadline);

    public int BufferBytes { get; set; } = 1024;

    public Action? BeforeReading { get; set; }

    public int Descriptor { get; }

    public override void OnReadable()
    {
        BeforeReading?.Invoke();
        while (!IsClosed)
        {
            var buffer = new byte[BufferBytes];
            var received = Receive(buffer);
            if (received == -1)
                return;
            if (received <= 0)
                Close(); // whoever reads of the end finds it closed
            _ = Received.Writer.TryWrite(buffer[..Math.Max(received, 0)]);
        }
    }

    public override void OnFault(Exception fault) => Faults.Writer.TryWrite(fault);

    protected override void OnWritable() => Writable.Writer.TryWrite(KeptBytes);

    protected override void OnBroken()
    {
        Close();
        _broken.SetResult();
    }
}
