using System.CommandLine;
using MessageDelivery.Peers;

var root = new RootCommand("Hosts servers in C# that ./bench compares the hub with, on 127.0.0.1, until SIGTERM.");
root.Add(MqttNetHost.Command());
root.Add(GarnetHost.Command());
root.Add(WebSocketHost.Command());
return await root.Parse(args).InvokeAsync();
