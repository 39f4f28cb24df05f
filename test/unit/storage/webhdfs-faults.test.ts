import { afterEach, describe, expect, test } from "vitest";
import { openHdfs } from "../../../src/connections/webhdfs.js";
import { hdfsPlace } from "../../../src/storage/webhdfs.js";
import { breaksOff, hangsUp, keepsSilent, type OddAnswer, type OddServer, oddServer, says } from "../../support/odd-server.js";

const servers: OddServer[] = [];
/** A silence is waited for only where the test is about it: any server is silent to a machine that is busy enough. */
let hasSilent = false;
afterEach(async () => {
  hasSilent = false;
  for (const server of servers.splice(0)) await server.stop();
});

async function start(...answers: readonly OddAnswer[]): Promise<OddServer> {
  const server = await oddServer(...answers);
  servers.push(server);
  hasSilent ||= answers.includes(keepsSilent);
  return server;
}

const redirect = (host: string): OddAnswer => says(307, "", { Location: `http://${host}/webhdfs/v1/wrong/place?op=OPEN&offset=0` });
const exception = (status: number, name: string): OddAnswer =>
  says(status, JSON.stringify({ RemoteException: { exception: name, javaClassName: `org.${name}`, message: "because" } }));
const read = async (...hosts: readonly string[]): Promise<string | undefined> =>
  (
    await openHdfs({ hosts, secure: false, user: "me" }, { waits: [1, 1], ...(hasSilent && { silence: 500, waits: [1, 1, 1, 1, 1] }) }).get(
      "/t/a b",
      0,
      10,
    )
  )?.toString();

describe("reading through a DataNode", () => {
  test("the redirect is followed, with the path that was asked for", async () => {
    const dataNode = await start(says(200, "0123456789"));
    const nameNode = await start(redirect(dataNode.host));
    expect(await read(nameNode.host)).toBe("0123456789");
    expect(nameNode.asked).toEqual(["GET /webhdfs/v1/t/a%20b?op=OPEN&offset=0&length=10&user.name=me"]);
    expect(dataNode.asked).toEqual(["GET /webhdfs/v1/t/a%20b?op=OPEN&offset=0"]);
  });

  test("a delegation token goes instead of the user's name", async () => {
    const nameNode = await start(says(200, "0123456789"));
    const hdfs = openHdfs({ hosts: [nameNode.host], secure: false, user: "me", delegationToken: "t+k/n" }, { waits: [1] });
    expect((await hdfs.get("/t", 0, 10))?.toString()).toBe("0123456789");
    expect(nameNode.asked).toEqual(["GET /webhdfs/v1/t?op=OPEN&offset=0&length=10&delegation=t%2Bk%2Fn"]);
  });

  test("a dead DataNode: the NameNode is asked for another", async () => {
    const dataNode = await start(says(200, "0123456789"));
    const nameNode = await start(redirect("127.0.0.1:9"), redirect(dataNode.host));
    expect(await read(nameNode.host)).toBe("0123456789");
    expect(nameNode.asked[1]).toContain("excludedatanodes=127.0.0.1");
  });

  test.each<[string, OddAnswer]>([
    ["breaks off", breaksOff(200, "01234", 10)],
    ["sends too little", says(200, "01234")],
    ["hangs up", hangsUp],
    ["keeps silent", keepsSilent],
    ["answers 500", says(500)],
    ["has lost a block", exception(403, "BlockMissingException")],
  ])("a DataNode that %s is asked again", async (_name, fault) => {
    const dataNode = await start(fault, says(200, "0123456789"));
    const nameNode = await start(redirect(dataNode.host));
    expect(await read(nameNode.host)).toBe("0123456789");
  });

  test.each<[string, string, OddAnswer]>([
    ["always breaks off", "DW-CONNECT", breaksOff(200, "01234", 10)],
    ["always sends too little", "DW-CONNECT", says(200, "01234")],
    ["never answers", "DW-TIMEOUT", keepsSilent],
    ["refuses", "DW-PERMISSION", exception(403, "AccessControlException")],
    ["redirects once more", "DW-ENGINE-REFUSED", says(307, "", { Location: "http://127.0.0.1:9/" })],
  ])("a DataNode that %s: %s", async (_name, code, fault) => {
    const dataNode = await start(fault);
    await expect(read((await start(redirect(dataNode.host))).host)).rejects.toMatchObject({ code });
  });

  test("only dead DataNodes: the letter says which one cannot be reached", async () => {
    const nameNode = await start(redirect("127.0.0.1:9"));
    await expect(read(nameNode.host)).rejects.toMatchObject({ code: "DW-CONNECT", what: expect.stringContaining("127.0.0.1:9") });
  });

  test("a gateway answers itself", async () => {
    expect(await read((await start(says(200, "0123456789"))).host)).toBe("0123456789");
  });
});

describe("NameNodes", () => {
  test("one on standby, and one that is gone, are passed over", async () => {
    const standby = await start(exception(403, "StandbyException"));
    const active = await start(says(200, "0123456789"));
    expect(await read("127.0.0.1:9", standby.host, active.host)).toBe("0123456789");
  });

  test.each<[string, string, OddAnswer]>([
    ["all on standby", "DW-CONNECT", exception(403, "StandbyException")],
    ["safe mode", "DW-CONNECT", exception(403, "SafeModeException")],
    ["no right", "DW-PERMISSION", exception(403, "AccessControlException")],
    ["an unknown user", "DW-AUTH", exception(401, "SecurityException")],
    ["a request for Kerberos", "DW-AUTH", says(401)],
    ["another exception", "DW-ENGINE-REFUSED", exception(400, "IllegalArgumentException")],
    ["a redirect to a file", "DW-ENGINE-REFUSED", says(307, "", { Location: "file:///etc/passwd" })],
  ])("%s: %s", async (_name, code, fault) => {
    await expect(read((await start(fault)).host)).rejects.toMatchObject({ code });
  });

  test("a file that does not exist is an answer", async () => {
    expect(await read((await start(exception(404, "FileNotFoundException"))).host)).toBeUndefined();
  });

  test("what answers without being WebHDFS is recognised", async () => {
    const server = await start(says(200, "<html>"));
    const hdfs = openHdfs({ hosts: [server.host], secure: false }, { waits: [] });
    await expect(hdfs.status("/")).rejects.toMatchObject({ code: "DW-ENGINE-REFUSED" });
  });

  test("a server that knows no batches lists at once", async () => {
    const unknown = JSON.stringify({
      RemoteException: { exception: "IllegalArgumentException", message: "No enum constant GetOpParam.Op.LISTSTATUS_BATCH" },
    });
    const file = { pathSuffix: "f", type: "FILE", length: 3, modificationTime: 7 };
    const server = await start(says(400, unknown), says(200, JSON.stringify({ FileStatuses: { FileStatus: [file] } })));
    const hdfs = openHdfs({ hosts: [server.host], secure: false }, { waits: [] });
    expect(await hdfs.list("/t")).toEqual([{ name: "f", folder: false, size: 3, modified: 7 }]);
  });
});

describe("addresses", () => {
  test.each([
    ["webhdfs://nn/a/b/", { hosts: ["nn:9870"], secure: false, path: "/a/b", user: "me" }],
    ["swebhdfs://nn:1/a?user.name=you", { hosts: ["nn:1"], secure: true, path: "/a", user: "you" }],
    ["webhdfs://a:1,b:2", { hosts: ["a:1", "b:2"], secure: false, path: "", user: "me" }],
  ])("%s", (address, place) => expect(hdfsPlace(address, "me")).toEqual(place));

  test.each(["webhdfs:///a", "webhdfs://user@nn/a", "webhdfs://nn/a?delegation=secret"])("%s is refused", (address) => {
    expect(() => hdfsPlace(address, undefined)).toThrow(expect.objectContaining({ code: "DW-USAGE" }));
  });
});
