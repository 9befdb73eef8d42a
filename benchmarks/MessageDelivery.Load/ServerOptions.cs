using System.CommandLine;
using System.Globalization;
using System.Net;
using MessageDelivery.Load.Protocols;

namespace MessageDelivery.Load;

/// <summary>The options by which every verb finds the server.</summary>
internal sealed class ServerOptions
{
    private readonly Option<string> _protocol = new("--protocol")
    {
        Description = $"What the server speaks: {string.Join(", ", WireProtocol.Names)}.",
        Required = true,
    };

    private readonly Option<int> _port = new("--port") { Description = "The server's TCP port.", Required = true };
    private readonly Option<string> _host = new("--host")
    {
        Description = "The server's IPv4 address.",
        DefaultValueFactory = _ => "127.0.0.1",
    };

    private readonly Option<int> _process = new("--process") { Description = "The server's process id, to read what it uses.", Required = true };

    private readonly Option<bool> _tls = new("--tls")
    {
        Description = "Through TLS 1.3 (TLS_AES_128_GCM_SHA256); the certificate is not checked. What that costs here is not counted.",
    };

    private readonly Option<bool> _webSocket = new("--websocket")
    {
        Description = $"Over WebSocket ({string.Join(", ", WireProtocol.Names.Where(OffersWebSocket))}; "
            + $"{string.Join(" and ", WireProtocol.Names.Where(NeedsWebSocket))} always are).",
    };

    public ServerOptions(Command command, bool hasProtocol = true)
    {
        _protocol.AcceptOnlyFromAmong(WireProtocol.Names);
        Demand(_port, port => port is > 0 and <= IPEndPoint.MaxPort, $"1 to {IPEndPoint.MaxPort}");
        Demand(_host, host => IPAddress.TryParse(host, out var address) && address.GetAddressBytes().Length == 4, "an IPv4 address");
        Demand(_process, id => id > 0, "at least 1");
        Option[] options = hasProtocol ? [_protocol, _port, _host, _process, _tls, _webSocket] : [_port, _host, _process];
        Array.ForEach(options, command.Add);
        if (hasProtocol)
        {
            command.Validators.Add(result =>
            {
                if (result.GetValue(_webSocket) && result.GetValue(_protocol) is { } name && WireProtocol.Names.Contains(name) && !OffersWebSocket(name))
                {
                    result.AddError($"--websocket: not with --protocol {name}");
                }
            });
        }
    }

    public string Protocol(ParseResult arguments) => arguments.GetRequiredValue(_protocol);

    public IPEndPoint Server(ParseResult arguments) =>
        new(IPAddress.Parse(arguments.GetRequiredValue(_host)), arguments.GetRequiredValue(_port));

    public bool IsWebSocket(ParseResult arguments) => arguments.GetValue(_webSocket) || NeedsWebSocket(Protocol(arguments));

    /// <summary>The server, through TLS and over WebSocket if that was asked for.</summary>
    public ReachedServer Reach(ParseResult arguments, WireProtocol protocol)
    {
        var server = Server(arguments);
        var upgrade = IsWebSocket(arguments) ? protocol.Upgrade : null;
        return new(server, arguments.GetValue(_tls) ? new TlsBridge(server, protocol.GreetsInTheClear && upgrade is null) : null, upgrade);
    }

    public int ProcessId(ParseResult arguments) => arguments.GetRequiredValue(_process);

    public static Option<T> WithDefault<T>(string name, T byDefault, string description) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => byDefault,
    };

    /// <summary>Has the parser refuse impossible values, with the value and the limit. What is no value at all it refuses itself.</summary>
    public static void Demand<T>(Option<T> option, Func<T, bool> isPossible, string limit)
        where T : IParsable<T> => option.Validators.Add(result =>
    {
        if (result.Tokens is [var token] && T.TryParse(token.Value, CultureInfo.InvariantCulture, out var value) && !isPossible(value))
        {
            result.AddError($"{option.Name} {token.Value}: {limit}");
        }
    });

    private static bool OffersWebSocket(string protocol) => WireProtocol.Create(protocol, bodyBytes: 1).Upgrade is not null;

    private static bool NeedsWebSocket(string protocol) => WireProtocol.Create(protocol, bodyBytes: 1).NeedsWebSocket;
}
