using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using WolfScale.Proxy.Net;

namespace WolfScale.Unit.Proxy;

/// <summary>The loop and its connections, over loopback.</summary>
public sealed class EventLoopTests : IDisposable
{
    private readonly LoopKit _kit = new();

    [Fact]
    public async Task Last_bytes_and_the_end_that_comes_with_them_are_both_heard_of()
    {
        foreach (var bufferBytes in new[] { 1, 3, 4, 1024 })
        {
            var (here, there) = await _kit.Pair();
            here.BufferBytes = bufferBytes;
            using (_kit.Pause()) // the edge tells of both
            {
                _ = there.Send("bye"u8);
                there.Shutdown(SocketShutdown.Send);
            }

            var heard = new List<byte>();
            byte[] part;
            while ((part = await here.Received.Reader.ReadAsync(LoopKit.Deadline)).Length > 0)
                heard.AddRange(part);
            Assert.Equal("bye", Encoding.ASCII.GetString([.. heard]));
        }
    }

    /// <summary>The next file that is opened has the descriptors that its loop has closed.</summary>
    [Fact]
    public void What_is_posted_behind_the_end_is_written_nowhere()
    {
        var loop = new EventLoop("ends", TimeProvider.System, _ => { });
        loop.Dispose();
        using var folder = new TempFolder("descriptors");
        var files = Enumerable.Range(0, 20).Select(i => File.Create(Path.Combine(folder.Path, $"{i}"))).ToList();
        loop.Post(() => { });
        Assert.All(files, file => Assert.Equal(0, file.Length));
        files.ForEach(file => file.Dispose());
    }

    /// <summary>Who posts at the end writes before the descriptor is closed, or not at all: the end waits for it.</summary>
    [Fact]
    public async Task Loops_end_while_others_post()
    {
        for (var i = 0; i < 200; i++)
        {
            var loop = new EventLoop("ends", TimeProvider.System, _ => { });
            var ended = false;
            var posting = Task.Run(() =>
            {
                while (!Volatile.Read(ref ended))
                    loop.Post(() => { });
            });
            loop.Dispose();
            Volatile.Write(ref ended, true);
            await posting.WaitAsync(LoopKit.Deadline);
        }
    }

    /// <summary>A busy machine may stop a Post between its mark and its write, for as long as it likes.</summary>
    [Fact]
    public void The_end_waits_for_a_write_that_is_still_owed()
    {
        var loop = new EventLoop("ends", TimeProvider.System, _ => { });
        using var isHeld = new ManualResetEventSlim();
        using var goesOn = new ManualResetEventSlim();
        loop.Post(() =>
        {
            isHeld.Set();
            Assert.True(goesOn.Wait(TimeSpan.FromSeconds(30)));
        });
        Assert.True(isHeld.Wait(TimeSpan.FromSeconds(30)));
        var end = new Thread(loop.Dispose) { IsBackground = true };
        end.Start();
        Assert.True(SpinWait.SpinUntil(() => !Posted(loop).IsEmpty, TimeSpan.FromSeconds(30)), "it is not told to end");
        loop.Post(() => Signalled(loop) = 1); // the last that it does: somebody has the mark set, and has not written yet
        goesOn.Set();

        Assert.False(end.Join(TimeSpan.FromMilliseconds(200)), "it has not waited");
        Libc.Signal(WakeUp(loop));
        Assert.True(end.Join(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task The_end_alone_is_heard_of()
    {
        var (here, there) = await _kit.Pair();
        _ = there.Send("a"u8);
        Assert.Equal("a"u8.ToArray(), await here.Received.Reader.ReadAsync(LoopKit.Deadline));
        there.Shutdown(SocketShutdown.Send);
        Assert.Empty(await here.Received.Reader.ReadAsync(LoopKit.Deadline));
    }

    [Fact]
    public async Task A_reset_is_heard_of()
    {
        var (here, there) = await _kit.Pair();
        there.LingerState = new LingerOption(true, 0);
        there.Close();
        Assert.Empty(await here.Received.Reader.ReadAsync(LoopKit.Deadline));
        Assert.True(here.IsClosed);
    }

    /// <summary>recv(2) says 0 both at the end of the stream and where there is no room.</summary>
    [Fact]
    public async Task No_room_is_not_the_end_of_the_stream()
    {
        var (here, there) = await _kit.Pair();
        here.BeforeReading = () => Assert.Equal(-1, here.Receive(default));
        _ = there.Send("a"u8);
        Assert.Equal("a"u8.ToArray(), await here.Received.Reader.ReadAsync(LoopKit.Deadline));
        Assert.False(here.Faults.Reader.TryRead(out _));
    }

    [Fact]
    public async Task What_a_slow_reader_does_not_take_is_kept_and_follows_in_order()
    {
        var (here, there) = await _kit.Pair();
        var sent = new List<byte>();
        var random = new Random(7);
        var (kept, lastChunk) = await _kit.On(() =>
        {
            var last = 0;
            while (!here.IsCongested)
            {
                var chunk = new byte[random.Next(1, 200_000)];
                random.NextBytes(chunk);
                Assert.True(here.Send(chunk));
                sent.AddRange(chunk);
                last = chunk.Length;
            }

            return (here.KeptBytes, last);
        });
        Assert.InRange(kept, 1, lastChunk); // an owner that stops then, keeps no more than what it had in hand

        await _kit.On(() =>
        {
            for (var i = 0; i < 20; i++) // one that does not, loses nothing either
            {
                var chunk = new byte[random.Next(1, 50_000)];
                random.NextBytes(chunk);
                Assert.True(here.Send(chunk));
                sent.AddRange(chunk);
            }
        });
        while (here.Writable.Reader.TryRead(out _))
        {
        }

        var received = new byte[sent.Count];
        await using var stream = new NetworkStream(there);
        await stream.ReadExactlyAsync(received, LoopKit.Deadline);
        Assert.True(received.AsSpan().SequenceEqual(sent.ToArray()));
        Assert.Equal(0, await here.Writable.Reader.ReadAsync(LoopKit.Deadline));
        Assert.False(await _kit.On(() => here.IsCongested));
    }

    [Fact]
    public async Task Who_goes_away_while_bytes_are_kept_for_him_is_heard_of()
    {
        var (here, there) = await _kit.Pair();
        await _kit.On(() =>
        {
            while (!here.IsCongested)
                Assert.True(here.Send(new byte[100_000]));
        });
        there.LingerState = new LingerOption(true, 0);
        there.Close();
        await here.Broken;
        Assert.False(await _kit.On(() => here.Send("more"u8)));
    }

    [Fact]
    public async Task A_connection_that_is_refused_becomes_writable_to_say_so()
    {
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // bound, not listening
        var here = await _kit.On(() => new Recorder(_kit.Loop, Libc.Connect(nobody.LocalEndPoint!)));
        _ = await here.Writable.Reader.ReadAsync(LoopKit.Deadline);
        Assert.True(await _kit.On(() => here.IsClosed) || Libc.ConnectResult(here.Descriptor) != 0);
    }

    /// <summary>Two become readable at once; the first to hear of it closes the other and opens a third, which gets the same slot.</summary>
    [Fact]
    public async Task News_of_a_closed_connection_does_not_reach_its_successor()
    {
        for (var round = 0; round < 20; round++)
        {
            var (a, atA) = await _kit.Pair();
            var (b, atB) = await _kit.Pair();
            var third = new TaskCompletionSource<Recorder>(TaskCreationOptions.RunContinuationsAsynchronously);
            a.BeforeReading = () => Replace(b);
            b.BeforeReading = () => Replace(a);
            using (_kit.Pause())
            {
                _ = atA.Send("a"u8);
                _ = atB.Send("b"u8);
            }

            var successor = await third.Task.WaitAsync(LoopKit.Deadline);
            await _kit.On(() => { }); // whatever was reported with it has been delivered
            Assert.NotEqual(a.IsClosed, b.IsClosed);
            _ = await successor.Writable.Reader.ReadAsync(LoopKit.Deadline); // its own news do
            Assert.False(successor.Received.Reader.TryRead(out _));
            Assert.False((a.IsClosed ? a : b).Received.Reader.TryRead(out _));
            _ = await _kit.Accept();

            void Replace(Recorder other)
            {
                if (third.Task.IsCompleted)
                    return;
                other.Close();
                third.SetResult(new Recorder(_kit.Loop, Libc.Connect(_kit.Address)));
            }
        }
    }

    [Fact]
    public async Task A_handler_that_fails_is_told_and_the_others_go_on()
    {
        var (a, atA) = await _kit.Pair();
        var (b, atB) = await _kit.Pair();
        a.BeforeReading = () => throw new InvalidOperationException("a");
        _ = atA.Send("x"u8);
        Assert.Equal("a", (await a.Faults.Reader.ReadAsync(LoopKit.Deadline)).Message);
        _kit.Loop.Post(() => throw new InvalidOperationException("posted"));
        Assert.Equal("posted", (await _kit.Faults.Reader.ReadAsync(LoopKit.Deadline)).Message);
        _ = atB.Send("y"u8);
        Assert.Equal("y"u8.ToArray(), await b.Received.Reader.ReadAsync(LoopKit.Deadline));
    }

    [Fact]
    public async Task Posts_of_all_threads_run_on_one_and_each_threads_in_order()
    {
        const int Threads = 4, Each = 2000;
        var last = new int[Threads];
        var thread = await _kit.On(() => Environment.CurrentManagedThreadId);
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(t => Task.Run(() =>
        {
            for (var i = 1; i <= Each; i++)
            {
                var number = i;
                _kit.Loop.Post(() =>
                {
                    Assert.Equal(thread, Environment.CurrentManagedThreadId);
                    Assert.Equal(number - 1, last[t]);
                    last[t] = number;
                });
            }
        })));
        Assert.Equal(Enumerable.Repeat(Each, Threads), await _kit.On(() => last.ToArray()));
        Assert.False(_kit.Faults.Reader.TryRead(out _));
    }

    [Fact]
    public async Task What_a_post_posts_runs_too()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _kit.Loop.Post(() => _kit.Loop.Post(() => _kit.Loop.Post(done.SetResult)));
        await done.Task.WaitAsync(LoopKit.Deadline);
    }

    /// <summary>What always posts itself again would be all that the loop does.</summary>
    [Fact]
    public async Task What_posts_itself_keeps_nobody_from_being_heard()
    {
        var (here, there) = await _kit.Pair();
        var (isHeard, timer) = (false, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await _kit.On(() =>
        {
            Again();
            _ = _kit.Loop.After(1, timer.SetResult);
        });
        _ = there.Send("a"u8);
        try
        {
            Assert.Equal("a"u8.ToArray(), await here.Received.Reader.ReadAsync(LoopKit.Deadline));
            await timer.Task.WaitAsync(LoopKit.Deadline);
        }
        finally
        {
            Volatile.Write(ref isHeard, true);
        }

        void Again()
        {
            if (!Volatile.Read(ref isHeard))
                _kit.Loop.Post(Again);
        }
    }

    [Fact]
    public async Task Timers_fire_when_they_are_due_in_the_order_of_their_times_unless_cancelled()
    {
        var time = new FakeTimeProvider();
        using var kit = new LoopKit(time);
        var fired = new List<string>();
        await kit.On(() =>
        {
            _ = kit.Loop.After(200, () => fired.Add("200"));
            _ = kit.Loop.After(100, () =>
            {
                fired.Add("100");
                _ = kit.Loop.After(50, () => fired.Add("100 + 50"));
            });
            var cancelled = kit.Loop.After(100, () => fired.Add("never"));
            cancelled.Cancel();
            _ = kit.Loop.After(150, () => throw new InvalidOperationException("timer"));
        });

        Assert.Empty(await FiredAfter(99));
        Assert.Equal(["100"], await FiredAfter(1));
        Assert.Equal(["100", "100 + 50"], await FiredAfter(50));
        Assert.Equal("timer", (await kit.Faults.Reader.ReadAsync(LoopKit.Deadline)).Message);
        Assert.Equal(["100", "100 + 50", "200"], await FiredAfter(1000));

        async Task<string[]> FiredAfter(int ms)
        {
            time.Advance(TimeSpan.FromMilliseconds(ms));
            await kit.On(() => { }); // wakes it: timers run behind what is posted
            return await kit.On(() => fired.ToArray());
        }
    }

    [Fact]
    public async Task A_timer_fires_by_itself()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _kit.On(() => _kit.Loop.After(5, done.SetResult));
        await done.Task.WaitAsync(LoopKit.Deadline);
    }

    public void Dispose() => _kit.Dispose();

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_posted")]
    private static extern ref ConcurrentQueue<Action> Posted(EventLoop loop);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_signalled")]
    private static extern ref int Signalled(EventLoop loop);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_wakeUp")]
    private static extern ref int WakeUp(EventLoop loop);
}
