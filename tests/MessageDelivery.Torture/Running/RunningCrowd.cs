using System.Net;
using MessageDelivery.Protocol;
using MessageDelivery.Torture.Checking;
using MessageDelivery.Torture.Clients;
using MessageDelivery.Torture.Faults;
using MessageDelivery.Torture.Load;
using MessageDelivery.Torture.Processes;
using MessageDelivery.Torture.Proxy;

namespace MessageDelivery.Torture.Running;

/// <summary>All clients of a run, each behind a proxy of its own.</summary>
internal sealed class RunningCrowd : IAsyncDisposable
{
    /// <summary>The first number of clients in processes; each process that is started has a new one.</summary>
    private const int FirstProcessNumber = 1_000;

    /// <summary>How many frames pass unharmed for one that does not, in a run that breaks something.</summary>
    private const int SabotageOneIn = 500;

    /// <summary>Raw clients for one that is bad at acknowledging: everybody waits for it, so that few are enough.</summary>
    private const int HoldBackOneIn = 10;

    /// <summary>A text user relays one at a time: its share of the load is smaller.</summary>
    private const double TextShare = 0.1;

    private readonly TortureSettings _settings;
    private readonly HubOffer _offer;
    private readonly Checker _checker;
    private readonly UserDirectory _directory;
    private readonly FaultCounts _faults;
    private readonly List<FaultProxy> _proxies = [];
    private readonly List<ITortureClient> _clients = [];
    private readonly List<ClientProcess> _processes = [];
    private readonly List<Task> _running = [];
    private readonly TypeScriptClient? _typeScript;
    private int _processNumber = FirstProcessNumber;

    public RunningCrowd(
        TortureSettings settings, IPEndPoint hub, HubOffer offer, Checker checker, UserDirectory directory, FaultCounts faults)
    {
        (_settings, _offer, _checker, _directory, _faults) = (settings, offer, checker, directory, faults);
        Sabotage = settings.Break is { } kind ? new(kind, SabotageOneIn, Somebody) : null;
        var crowd = settings.Crowd;
        double rate = settings.Rate / (crowd.Raw + crowd.Library + crowd.Plain + crowd.Processes + crowd.TypeScript + (TextShare * crowd.Text));
        int number = 0;
        for (int i = 0; i < crowd.Raw; i++)
        {
            var surroundings = Surroundings(hub, ++number, rate, Sabotage);
            _clients.Add(new BinaryClient(surroundings with { HoldsBack = i % HoldBackOneIn == 0 }, ClientKind.Raw));
        }

        for (int i = 0; i < crowd.Plain; i++)
        {
            _clients.Add(new BinaryClient(Surroundings(hub, ++number, rate, Sabotage), ClientKind.Plain));
        }

        for (int i = 0; i < crowd.Library; i++)
        {
            _clients.Add(new LibraryClient(Surroundings(hub, ++number, rate)));
        }

        for (int i = 0; i < crowd.Text; i++)
        {
            _clients.Add(new TextClient(Surroundings(hub, ++number, TextShare * rate, isText: true)));
        }

        for (int i = 0; i < crowd.Processes; i++)
        {
            var endpoint = Proxy(hub, ++number, null, resetsHub: false);
            int seed = settings.Seed + (number * 7_919);
            _processes.Add(new(() => Arguments(endpoint, seed, rate).ToCommand(), checker, directory, faults, new(seed)));
        }

        _typeScript = crowd.TypeScript > 0 ? new() : null;
        for (int i = 0; i < crowd.TypeScript; i++)
        {
            var endpoint = Proxy(hub, ++number, null, resetsHub: false);
            int seed = settings.Seed + (number * 7_919);
            string scheme = i % 2 == 0 ? "ws" : "tcp";
            _processes.Add(new(() => _typeScript!.ToCommand(Arguments(endpoint, seed, rate), scheme), checker, directory, faults, new(seed)));
        }
    }

    /// <summary>What is done wrong on purpose; null for nothing.</summary>
    public Sabotage? Sabotage { get; }

    /// <summary>Whether a client of the torture itself is defective.</summary>
    public bool HasFailed => _running.Exists(task => task.IsFaulted);

    public IEnumerable<string> Failures =>
        _running.Where(task => task.IsFaulted).Select(task => $"a client failed: {task.Exception!.GetBaseException()}").Distinct();

    public void Start()
    {
        _running.AddRange(_clients.Select(client => Task.Run(client.RunAsync)));
        _running.AddRange(_processes.Select(process => Task.Run(process.RunAsync)));
    }

    public void StopSending()
    {
        _clients.ForEach(client => client.StopSending());
        _processes.ForEach(process => process.StopSending());
    }

    public void Leave()
    {
        _clients.ForEach(client => client.Leave());
        _processes.ForEach(process => process.Leave());
    }

    public async Task<bool> EndedWithinAsync(TimeSpan time)
    {
        var all = Task.WhenAll(_running);
        return await Task.WhenAny(all, Task.Delay(time)) == all;
    }

    /// <summary>Makes one client after another stand still for a while.</summary>
    public async Task FreezeAsync(CancellationToken cancellationToken)
    {
        var random = new Random(_settings.Seed);
        // As often for each client as each fault of its connection.
        var pause = FaultTable.ConnectionMean / _clients.Count;
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(pause * (2 * random.NextDouble()), cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!cancellationToken.IsCancellationRequested)
            {
                _clients[random.Next(_clients.Count)].Freeze(FaultTable.FreezeLength.Draw(random));
                _faults.Add(FaultKind.ClientFrozen);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in _proxies)
        {
            await proxy.DisposeAsync();
        }

        _typeScript?.Dispose();
    }

    private Surroundings Surroundings(IPEndPoint hub, int number, double rate, Sabotage? sabotage = null, bool isText = false)
    {
        int seed = _settings.Seed + (number * 7_919);
        var mix = new RelayMix(seed, _directory) { HasConfirm = _offer.HasConfirm, MaxBodyBytes = isText ? TextClient.MaxBodyBytes : ProtocolLimits.MaxBodyBytes };
        return new(number, Proxy(hub, number, sabotage, isText), _checker, _faults, mix, _settings.Run, seed, rate);
    }

    private IPEndPoint Proxy(IPEndPoint hub, int number, Sabotage? sabotage, bool resetsHub)
    {
        var proxy = new FaultProxy(hub, _settings.Seed, number, _faults, sabotage, resetsHub);
        _proxies.Add(proxy);
        return proxy.Endpoint;
    }

    private ClientArguments Arguments(IPEndPoint endpoint, int seed, double rate)
    {
        int number = Interlocked.Increment(ref _processNumber);
        return new(number, endpoint.ToString(), _settings.Run, seed + number, rate, _offer.HasConfirm, !_settings.IsSoak);
    }

    // A text user would be shown a binary body in another form, which looks like a change.
    private ulong Somebody() => _directory.Users.LastOrDefault(user => !user.IsText).Id;
}
